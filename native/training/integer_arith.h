// The scalar arithmetic of training with integers: exponents and shifts. No floats.
#pragma once

#include <bit>
#include <cstdint>

namespace requant::training {

/// A power of two at least that of every |b| of a bias, and of its part in an accumulator.
inline constexpr int32_t kMostBias = 1 << 30;
inline constexpr int32_t kMostAccumulatorBias = 1 << 28;

constexpr int64_t clamp64(int64_t v, int64_t bound) noexcept {
  return v < -bound ? -bound : v > bound ? bound : v;
}

/// rne(x · 2^exponent) for |x| ≤ 2^30, clamped to ±bound.
constexpr int32_t scale_by_power(int32_t x, int32_t exponent, int32_t bound) noexcept {
  if (exponent >= 0) {
    const int left = exponent < 31 ? exponent : 31;
    return static_cast<int32_t>(clamp64(int64_t{x} << left, bound));
  }
  if (exponent < -40) return 0;
  const int right = -exponent;
  const int64_t v = x;
  return static_cast<int32_t>(
      clamp64((v + (int64_t{1} << (right - 1)) - 1 + ((v >> right) & 1)) >> right, bound));
}

/// The exponent of Shift(m) = 2^round(log2 m), m > 0: rounded up where m² > 2^(2n+1).
constexpr int32_t nearest_exponent(uint32_t m) noexcept {
  const int32_t n = std::bit_width(m) - 1;
  return n + (uint64_t{m} * m > uint64_t{1} << (2 * n + 1) ? 1 : 0);
}

/// The smallest n ≥ 0 with m >> n ≤ 127.
constexpr int32_t fitting_exponent(uint32_t m) noexcept {
  const int32_t bits = std::bit_width(m);
  return bits > 7 ? bits - 7 : 0;
}

/// The smallest n with 2^n ≥ m, m > 0.
constexpr int32_t covering_exponent(uint32_t m) noexcept { return std::bit_width(m - 1); }

}  // namespace requant::training
