// The passes of training with integers (IntegerKernel): plain loops over whole blocks of columns, which the
// compiler turns into vectors of each instruction set. Internal linkage, as in epilogue.h.
#pragma once

#include "kernels/kernel.h"

/// How these functions are compiled; the scalar kernel wants them small.
#ifndef REQUANT_PASS
#define REQUANT_PASS
#endif

namespace requant::kernels {
namespace {

constexpr int32_t smaller(int32_t a, int32_t b) noexcept { return a < b ? a : b; }
constexpr int32_t larger(int32_t a, int32_t b) noexcept { return a > b ? a : b; }
constexpr int32_t within(int32_t v, int32_t bound) noexcept { return smaller(larger(v, -bound), bound); }
/// |v|, also of −2^31.
constexpr uint32_t magnitude(int32_t v) noexcept {
  return v < 0 ? 0U - static_cast<uint32_t>(v) : static_cast<uint32_t>(v);
}

/// rne of a shift, (x + 2^(s−1) − 1 + ((x >> s) & 1)) >> s; x itself for s = 0.
struct ShiftRounding {
  int32_t shift, half_less, odd;
  explicit constexpr ShiftRounding(int32_t s) noexcept
      : shift(s), half_less(s == 0 ? 0 : (int32_t{1} << (s - 1)) - 1), odd(s == 0 ? 0 : 1) {}
  constexpr int32_t operator()(int32_t x) const noexcept {
    return (x + half_less + ((x >> shift) & odd)) >> shift;
  }
};

REQUANT_PASS uint64_t activate_integers(const integer::Activation& a) noexcept {
  const ShiftRounding round(a.shift);
  const int32_t limit = 127 << a.shift;
  uint64_t clipped = 0;
  for (size_t r = 0; r < a.rows; ++r) {
    const int32_t* acc = a.acc + r * kColumnPad;
    uint8_t* codes = a.codes + r * a.stride;
    uint8_t* passes = a.passes + r * a.stride;
    uint32_t above = 0;
    for (size_t c = 0; c < kColumnPad; ++c) {
      // Clipped first: rne(127·2^s) is 127, and nothing below it gives more.
      codes[c] = static_cast<uint8_t>(round(smaller(larger(acc[c], 0), limit)));
      above += acc[c] > limit;
    }
    for (size_t c = 0; c < kColumnPad; ++c) {
      passes[c] = static_cast<uint8_t>((acc[c] <= limit ? integer::kUnclipped : 0) |
                                       (acc[c] > 0 ? integer::kPositive : 0));
    }
    clipped += above;
  }
  return clipped;
}

REQUANT_PASS uint32_t largest_of_row(const int32_t* x, uint32_t most) noexcept {
  for (size_t c = 0; c < kColumnPad; ++c) most = magnitude(x[c]) > most ? magnitude(x[c]) : most;
  return most;
}

REQUANT_PASS uint32_t mask_errors(const integer::Masking& m) noexcept {
  const int32_t needed = m.needed;
  uint32_t most = 0;
  for (size_t r = 0; r < m.rows; ++r) {
    int32_t* __restrict error = m.error + r * m.stride;
    const uint8_t* __restrict passes = m.passes + r * m.stride;
    for (size_t c = 0; c < kColumnPad; ++c) {
      const int32_t has = passes[c] & needed;
      error[c] = has == needed ? error[c] : 0;
    }
    most = largest_of_row(error, most);
  }
  return most;
}

REQUANT_PASS uint32_t largest_integer(const int32_t* x, size_t stride, size_t rows) noexcept {
  uint32_t most = 0;
  for (size_t r = 0; r < rows; ++r) most = largest_of_row(x + r * stride, most);
  return most;
}

REQUANT_PASS void round_errors(const integer::Rounding& e) noexcept {
  const ShiftRounding round(larger(e.shift, 0));
  const int32_t left = larger(-e.shift, 0);
  for (size_t r = 0; r < e.rows; ++r) {
    const int32_t* error = e.error + r * e.stride;
    uint8_t* codes = e.codes + r * e.stride;
    for (size_t c = 0; c < kColumnPad; ++c)
      codes[c] = static_cast<uint8_t>(128 + within(round(error[c] * (int32_t{1} << left)), 127));
    if (e.passes == nullptr) continue;
    const uint8_t* passes = e.passes + r * e.stride;
    for (size_t c = 0; c < kColumnPad; ++c)
      codes[c] = (passes[c] & e.needed) == e.needed ? codes[c] : uint8_t{128};
  }
}

/// The key of a Philox round.
struct RoundKey {
  uint32_t k0, k1;
  void next() noexcept {
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
};

constexpr uint32_t kPhilox0 = 0xD2511F53, kPhilox1 = 0xCD9E8D57;
constexpr int kPhiloxRounds = 10;
constexpr uint32_t kCounters = kColumnPad / 4;  // of a block of columns, four words each

/// The 64 words of a block of columns; instruction sets have faster ones.
[[maybe_unused]] REQUANT_PASS void random_words(const integer::RandomBlock& random,
                                                uint32_t* words) noexcept {
  for (uint32_t i = 0; i < kCounters; ++i) {
    uint32_t c0 = random.first + i;
    uint32_t c1 = random.counter[0], c2 = random.counter[1], c3 = random.counter[2];
    RoundKey key{random.key[0], random.key[1]};
    for (int round = 0; round < kPhiloxRounds; ++round, key.next()) {
      const uint64_t product0 = uint64_t{kPhilox0} * c0;
      const uint64_t product1 = uint64_t{kPhilox1} * c2;
      c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ key.k0;
      c1 = static_cast<uint32_t>(product1);
      c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ key.k1;
      c3 = static_cast<uint32_t>(product0);
    }
    words[i] = c0;
    words[kCounters + i] = c1;
    words[2 * kCounters + i] = c2;
    words[3 * kCounters + i] = c3;
  }
}

/// One row: v by the random words, subtracted.
REQUANT_PASS void update_row(const integer::Update& u, size_t row, const uint32_t* words) noexcept {
  const int32_t* gradient = u.gradient + row * u.gradient_stride;
  int16_t* stored = u.stored + row * u.stored_stride;
  int8_t* codes = u.codes + row * kColumnPad;
  const ShiftRounding round(u.code_shift);
  // |g| < 2^31: from a shift of 31 on nothing of it is whole.
  const int32_t right = smaller(larger(u.shift, 0), 31);
  const int32_t left = smaller(larger(-u.shift, 0), 15);
  const uint32_t fraction = u.shift >= 32 ? ~0U : (uint32_t{1} << larger(u.shift, 0)) - 1;
  for (size_t c = 0; c < kColumnPad; ++c) {
    const uint32_t size = magnitude(gradient[c]);
    const uint32_t up = (words[c] & fraction) < (size & fraction);
    // 2^16 − 1 moves a weight from any place to its limit.
    const int32_t whole = smaller(static_cast<int32_t>((size >> right) + up), 0xFFFF) << left;
    const int32_t moved = stored[c] - (gradient[c] < 0 ? -whole : whole);
    const int32_t weight = within(moved, u.limit);
    stored[c] = static_cast<int16_t>(weight);
    codes[c] = static_cast<int8_t>(within(round(weight), 127));
  }
}

using RandomWords = void (*)(const integer::RandomBlock&, uint32_t* words) noexcept;

/// Beyond a shift of 32 the upper words decide as well: where one is not 0, nothing is rounded up.
template <RandomWords kWords>
void keep_where_upper_is_zero(const integer::Update& u, integer::RandomBlock random,
                              uint32_t* words) noexcept {
  uint32_t upper[kColumnPad];
  random.counter[1] += integer::kUpperWord;
  kWords(random, upper);
  const uint32_t mask = (uint32_t{1} << (u.shift - 32)) - 1;
  for (size_t c = 0; c < kColumnPad; ++c) words[c] = (upper[c] & mask) != 0 ? ~0U : words[c];
}

template <RandomWords kWords>
void update_weights(const integer::Update& u) noexcept {
  uint32_t words[kColumnPad] = {};
  for (size_t r = 0; r < u.rows; ++r) {
    integer::RandomBlock random = u.random;
    random.counter[0] += static_cast<uint32_t>(r);
    if (u.shift > 0) kWords(random, words);
    if (u.shift > 32) keep_where_upper_is_zero<kWords>(u, random, words);
    update_row(u, r, words);
  }
}

template <RandomWords kWords>
constexpr IntegerKernel kIntegerPasses{activate_integers, mask_errors, round_errors, largest_integer,
                                       update_weights<kWords>};

}  // namespace
}  // namespace requant::kernels
