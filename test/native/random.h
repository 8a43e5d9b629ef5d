// A small generator with the same sequence everywhere (splitmix64), and the distributions that the tests
// need.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace requant::test {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t word() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// An integer in [lo, hi].
  int64_t between(int64_t lo, int64_t hi) {
    return lo + static_cast<int64_t>(word() % (static_cast<uint64_t>(hi - lo) + 1));
  }
  bool chance(uint32_t one_in) { return word() % one_in == 0; }

  /// int32 of a random bit length: small and huge ones are equally frequent.
  int32_t integer() { return static_cast<int32_t>(word()) >> (word() % 32); }
  /// float32 in [−1, 1), a multiple of 2^−23.
  float unit() { return static_cast<float>(between(-(1 << 23), (1 << 23) - 1)) * 0x1p-23F; }
  /// Any bit pattern: subnormals, infinities and NaN included.
  float any_float() { return std::bit_cast<float>(static_cast<uint32_t>(word())); }
  /// unit() · 2^e, e in [lo, hi].
  float scaled(int lo, int hi) {
    const auto exponent = static_cast<uint32_t>(127 + between(lo, hi));
    return unit() * std::bit_cast<float>(exponent << 23);
  }
  /// One of the values that arithmetic treats specially.
  float special() {
    using Limits = std::numeric_limits<float>;
    static constexpr float kValues[] = {0.0F,
                                        -0.0F,
                                        Limits::infinity(),
                                        -Limits::infinity(),
                                        Limits::max(),
                                        -Limits::max(),
                                        Limits::min(),
                                        -Limits::min(),
                                        Limits::denorm_min(),
                                        -Limits::denorm_min(),
                                        0x1.fffffcp-127F,
                                        Limits::quiet_NaN()};
    return kValues[word() % (sizeof(kValues) / sizeof(kValues[0]))];
  }

  template <class T>
  void fill_bytes(T* out, size_t count) {
    static_assert(sizeof(T) == 1);
    for (size_t i = 0; i < count; ++i) out[i] = static_cast<T>(word() >> 56);
  }

 private:
  uint64_t state_;
};

}  // namespace requant::test
