// fma32(a, b, c) = fl(a · b + c) with one rounding, on every target. It defines the float32 GEMM's chains
// (numerics.md); hardware FMA instructions compute the same value.
#pragma once

#include <bit>
#include <cstdint>

namespace requant::arith {

// Both functions are always inlined: a copy that the linker shares would carry one file's instruction set.

/// Without FMA hardware: the exact sum, rounded to odd in float64, then to float32.
///
///     p = a · b        exact: 24 + 24 bits ≤ 53, exponents −298 … 256 are normal float64 exponents
///     s + e = p + c    TwoSum: s = fl64(p + c), e its exact error
///     o                p + c rounded to odd: s if e = 0 or s is odd, else s's neighbour on e's side
///     fl32(o)          the result, because 53 ≥ 24 + 2 bits and an odd last bit stands for "not a tie, not
///                      exact" (S. Boldo, G. Melquiond, "Emulation of a FMA and correctly rounded sums:
///                      proved algorithms using rounding to odd", IEEE Trans. Computers 57(4), 2008).
///                      Subnormal results have fewer bits than 24, so the inequality holds for them too.
/// Infinities and NaN: s is right and e is NaN, which compares false. Signed zeros: s is exact, e = 0.
[[gnu::always_inline]] inline constexpr float fma32_emulated(float a, float b, float c) noexcept {
  const double p = static_cast<double>(a) * static_cast<double>(b);
  const double d = static_cast<double>(c);
  const double s = p + d;
  const double from_d = s - p;
  const double from_p = s - from_d;
  const double e = (p - from_p) + (d - from_d);

  const auto bits = std::bit_cast<std::uint64_t>(s);
  const auto inexact_and_even =
      static_cast<std::uint64_t>((e > 0.0) | (e < 0.0)) & ~bits;  // 1 or 0, in bit 0
  const auto towards_zero = static_cast<std::uint64_t>((e > 0.0) != (s > 0.0));
  const double o = std::bit_cast<double>(bits + (1u - 2u * towards_zero) * inexact_and_even);
  return static_cast<float>(o);
}

/// fma(a, b, c) on float32, correctly rounded. The sign and payload of a NaN result are the hardware's.
[[gnu::always_inline]] inline float fma32(float a, float b, float c) noexcept {
#if defined(__aarch64__) || defined(__FMA__)
  return __builtin_fmaf(a, b, c);
#else
  return fma32_emulated(a, b, c);
#endif
}

}  // namespace requant::arith
