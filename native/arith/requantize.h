// int32 accumulator → int8/uint8 code: the scalar definition of the four roundings (docs/numerics.md).
//   M = m · 2^−s, m = 0 or in [2^30, 2^31), s in [25, 63]
#pragma once

#include <bit>
#include <cstdint>

#include "arith/integer.h"

namespace requant::arith {

inline constexpr int kMinShift = 25;
inline constexpr int kMaxShift = 63;
inline constexpr int32_t kMinMultiplier = int32_t{1} << 30;

constexpr bool valid_multiplier(int32_t m, int32_t s) noexcept {
  return (m == 0 || m >= kMinMultiplier) && s >= kMinShift && s <= kMaxShift;
}

struct CodeRange {
  int32_t zero_point = 0;
  int32_t lo = 0;
  int32_t hi = 0;
};

/// clamp(zy + q, lo, hi) for q of any size.
constexpr int32_t place(int64_t q, const CodeRange& y) noexcept {
  return static_cast<int32_t>(clamp<int64_t>(q, y.lo - y.zero_point, y.hi - y.zero_point)) + y.zero_point;
}

/// (acc·m + 2^(s−1)) >> s: TFLite's and CMSIS-NN's single rounding, XNNPACK's rndnu.
constexpr int64_t round_half_up(int32_t acc, int32_t m, int s) noexcept {
  return shift_half_up(int64_t{acc} * m, s);
}

/// rne(acc·m·2^−s): half up, then back to the even neighbour where the product was an exact tie.
constexpr int64_t round_half_even(int32_t acc, int32_t m, int s) noexcept {
  const int64_t t = int64_t{acc} * m + (int64_t{1} << (s - 1));
  const int64_t q = t >> s;
  const bool tie = (static_cast<uint64_t>(t) & ((uint64_t{1} << s) - 1)) == 0;  // s = 63: 2^63 − 1
  return tie ? q & ~int64_t{1} : q;
}

/// SRDHM(a, m) = (a·m + 2^30) >> 31, gemmlowp's saturating rounding doubling high multiplication for m ≥ 0.
constexpr int32_t srdhm(int32_t a, int32_t m) noexcept {
  return static_cast<int32_t>((int64_t{a} * m + (int64_t{1} << 30)) >> 31);
}

/// gemmlowp's RoundingDivideByPOT: x / 2^n, ties away from zero.
constexpr int64_t rounding_divide_by_pot(int64_t x, int n) noexcept {
  const int64_t mask = (int64_t{1} << n) - 1;
  return (x >> n) + ((x & mask) > ((mask >> 1) + (x < 0)) ? 1 : 0);
}

/// RDByPOT(SRDHM(acc, m), s − 31), gemmlowp's double rounding; for s < 31 acc is first shifted left,
/// saturating.
constexpr int64_t round_gemmlowp(int32_t acc, int32_t m, int s) noexcept {
  if (s >= 31) return rounding_divide_by_pot(srdhm(acc, m), s - 31);
  const int64_t shifted = int64_t{acc} * (int64_t{1} << (31 - s));
  return srdhm(static_cast<int32_t>(clamp<int64_t>(shifted, INT32_MIN, INT32_MAX)), m);
}

/// zy + cvt(min(max(fl(fl(acc)·M), lo − zy), hi − zy)): ONNX Runtime's epilogue. M finite, ≥ 0.
inline int32_t requantize_float32(int32_t acc, float multiplier, const CodeRange& y) noexcept {
  const float product = static_cast<float>(acc) * multiplier;
  const float clamped =
      clamp(product, static_cast<float>(y.lo - y.zero_point), static_cast<float>(y.hi - y.zero_point));
  return static_cast<int32_t>(round_half_even(static_cast<double>(clamped))) + y.zero_point;
}

/// Whether `half-even` and `half-up` agree for every accumulator: no tie exists when the odd part of m is
/// above 509 (checked exhaustively, numerics.md) or the product is always 0.
constexpr bool half_even_equals_half_up(int32_t m) noexcept {
  return m == 0 || (m >> std::countr_zero(static_cast<uint32_t>(m))) > 509;
}

/// fl(m · 2^−s): the float32 multiplier of a fixed-point pair. Exact in float64, rounded once.
inline float multiplier_as_float(int32_t m, int s) noexcept {
  const double power = std::bit_cast<double>(static_cast<uint64_t>(1023 - s) << 52);
  return static_cast<float>(static_cast<double>(m) * power);
}

}  // namespace requant::arith
