// float32 → the nearest number of a floating grid: the scalar definition of every float8 conversion.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "arith/float64_functions.h"
#include "arith/integer.h"
#include "base/float_grid.h"

namespace requant::arith {

inline constexpr int32_t kMaxGridMantissa = 6;
inline constexpr int32_t kMinGridExponent = -126;
inline constexpr int32_t kMaxGridExponent = 15;

/// e with 2^e ≤ t < 2^(e+1), for a normal t > 0; −1023 for 0.
inline int32_t exponent_of(double t) noexcept {
  return static_cast<int32_t>(std::bit_cast<uint64_t>(t) >> 52) - 1023;
}

/// What the functions below and the kernels may take for granted:
///   mantissa ≤ 6; numerator odd and < 2^7; denominator a float32 > 0; limit a number of the grid below 2^16,
///   ≥ 2^min_exponent; limit·denominator / numerator a finite float32.
/// So |x|·numerator and q·denominator have at most 31 bits: both are exact. With |x| ∈ [2^-149, 2^128) and
/// denominator likewise, t lies in [2^-277, 2^284) and, as q ∈ [2^-126, 2^16), q·denominator in
/// [2^-275, 2^144): everything is a normal float64, whatever float32 comes.
inline bool valid_grid(const FloatGrid& g) noexcept {
  using float64_detail::power_of_two;
  const bool bits = g.mantissa >= 0 && g.mantissa <= kMaxGridMantissa &&
                    g.min_exponent >= kMinGridExponent + g.mantissa && g.min_exponent <= kMaxGridExponent;
  const bool odd = g.numerator >= 1 && g.numerator < 128 && static_cast<int32_t>(g.numerator) % 2 == 1 &&
                   static_cast<double>(static_cast<int32_t>(g.numerator)) == g.numerator;
  if (!bits || !odd || !(g.limit >= power_of_two(g.min_exponent) && g.limit < 0x1p16)) return false;
  const double unit = power_of_two(exponent_of(g.limit) - g.mantissa);
  const bool on_grid = round_half_even(g.limit / unit) * unit == g.limit;
  const bool is_float = static_cast<double>(static_cast<float>(g.denominator)) == g.denominator;
  return on_grid && is_float && g.denominator > 0 &&
         g.limit * g.denominator / g.numerator <= static_cast<double>(std::numeric_limits<float>::max());
}

/// t = min((|x|·numerator) / denominator, limit)    e = max(exponent of t, min_exponent)
/// q = rne(t·2^(M−e))·2^(e−M)
inline double nearest_in_grid(float x, const FloatGrid& g) noexcept {
  using float64_detail::power_of_two;
  const auto magnitude = static_cast<double>(std::bit_cast<float>(std::bit_cast<uint32_t>(x) & 0x7FFF'FFFFU));
  double t = magnitude * g.numerator / g.denominator;
  if (t > g.limit) t = g.limit;
  int32_t e = exponent_of(t);
  if (e < g.min_exponent) e = g.min_exponent;
  return round_half_even(t * power_of_two(g.mantissa - e)) * power_of_two(e - g.mantissa);
}

/// ± fl((q·denominator) / numerator), or ± q itself where `scaled` is false. The sign is x's, also of 0;
/// ±Infinity gives ± the largest number, NaN is open. That the quotient is rounded to float64 first changes
/// nothing: it is a tie of float32 exactly, or at least 2^-32 of itself away from one.
inline float round_to_grid(float x, const FloatGrid& g, bool scaled) noexcept {
  const double q = nearest_in_grid(x, g);
  const auto y = static_cast<float>(scaled ? q * g.denominator / g.numerator : q);
  return std::bit_cast<float>(std::bit_cast<uint32_t>(y) | (std::bit_cast<uint32_t>(x) & 0x8000'0000U));
}

}  // namespace requant::arith
