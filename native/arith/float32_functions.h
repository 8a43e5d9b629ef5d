// exp, expm1, tanh, erf and the logistic function on float32: the definition of their bits.
//
// Every line below is one IEEE operation rounded to float32, or an exact one (comparison, select, integer
// operation, bit_cast), in the order written. There are no branches: both sides of a select are computed. So
// a SIMD version that repeats the lines gives the same bits, and compilers vectorize loops over these
// functions (which is why they are always inlined, and why select() is spelled with masks). Build with
// -ffp-contract=off; no libm, no FMA.
//
// Polynomials: minimax fits (Lawson's reweighted least squares against mpmath at 40 digits); coefficients
// rounded to float32 from the lowest up, each time refitting the rest. "Error" beside one is that of the
// polynomial with its rounded coefficients in exact arithmetic. The errors of the functions were measured
// over all 2^32 inputs; test/native/float_functions_test.cpp states the bounds and checks a subset of the
// inputs.
//
//     function    largest error (ULP)        NaN → the same NaN, −0 → −0 (expm1, tanh, erf)
//     exp32       1.0063
//     expm1_32    1.6570
//     tanh32      1.3320
//     erf32       1.0910
//     sigmoid32   2.4019
#pragma once

#include <bit>
#include <cstdint>

/// Inlined at every call: a loop over a function that stays a call is not vectorized, and no copy is emitted
/// that a linker could keep from a file with ISA flags.
#define REQUANT_INLINE [[gnu::always_inline]] inline constexpr

namespace requant::arith {

namespace float32_detail {

// ln 2 = kLn2High + kLn2Low. The high part has 15 bits, so that k · kLn2High is exact for |k| < 2^9.
inline constexpr float kLog2e = 0x1.715476p+0f;
inline constexpr float kLn2High = 0x1.62e4p-1f;
inline constexpr float kLn2Low = 0x1.7f7d1cp-20f;
// Adding 1.5 · 2^23 rounds |t| < 2^22 to an integer (half to even), which is then the low bits of the sum.
inline constexpr float kRoundToInteger = 0x1.8p+23f;

// (exp(r) − 1 − r) / r² on |r| ≤ .3475; error 2^−26.1 relative to exp(r) − 1, 2^−27.9 relative to exp(r).
inline constexpr float kExp[] = {0x1.fffffep-2f, 0x1.5554b2p-3f, 0x1.5556f8p-5f, 0x1.1226d8p-7f,
                                 0x1.6b96f4p-10f};

// (tanh(a) / a − 1) / a² in z = a² on a ≤ .625; error 2^−27.7 relative to tanh(a).
inline constexpr float kTanh[] = {-0x1.555532p-2f, 0x1.1106f6p-3f, -0x1.b835a4p-5f, 0x1.51f8cep-6f,
                                  -0x1.750ce4p-8f};
inline constexpr float kTanhSplit = 0.625f;
inline constexpr float kTanhIsOne = 10.0f;  // tanh rounds to 1 from 9.0109 on

// erf(a) / a − 1 in z = a² on a ≤ .875; error 2^−26 relative to erf(a).
inline constexpr float kErf[] = {0x1.06eba6p-3f,  -0x1.8126eep-2f, 0x1.ce1bfap-4f,
                                 -0x1.b6a3b4p-6f, 0x1.47d50ep-8f,  -0x1.3cb530p-11f};
// −ln(1 − erf(a)) in t = a − .875 on .875 ≤ a ≤ 4; error 2^−26.8 in erf(a).
inline constexpr float kErfTail[] = {0x1.88672ep+0f,  0x1.37118ap+1f, 0x1.a72c1ap-1f,  0x1.8126b8p-5f,
                                     -0x1.78a5d2p-7f, 0x1.26d58ap-9f, -0x1.0b849cp-12f};
inline constexpr float kErfSplit = 0.875f;
inline constexpr float kErfIsOne = 4.0f;  // erf rounds to 1 from 3.8326 on

/// Horner's rule, highest coefficient first: p = fl(fl(p · t) + c[i]).
template <int N>
REQUANT_INLINE float polynomial(const float (&c)[N], float t) noexcept {
  float p = c[N - 1];
  for (int i = N - 2; i >= 0; --i) p = p * t + c[i];
  return p;
}

/// condition ? a : b, bit for bit. As a conditional expression gcc moves the computation of a or b into a
/// branch, which it may not undo for arithmetic that can raise floating-point flags, and so does not
/// vectorize.
REQUANT_INLINE float select(bool condition, float a, float b) noexcept {
  const std::uint32_t mask = 0u - static_cast<std::uint32_t>(condition);
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(a) & mask) |
                              (std::bit_cast<std::uint32_t>(b) & ~mask));
}

REQUANT_INLINE float magnitude(float x) noexcept {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x7fffffffu);
}

/// |y| with the sign of x. NaN is selected before the sign is set, never after: clang 19 for AVX-512 merges a
/// select between x and this into one masked vpternlog with its operands in the wrong order.
REQUANT_INLINE float with_sign_of(float y, float x) noexcept {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(y) & 0x7fffffffu) |
                              (std::bit_cast<std::uint32_t>(x) & 0x80000000u));
}

/// 2^k for −126 ≤ k ≤ 127. (Any other k gives a meaningless value, but a defined one: lanes that hold NaN.)
REQUANT_INLINE float power_of_two(std::int32_t k) noexcept {
  return std::bit_cast<float>((static_cast<std::uint32_t>(k) + 127u) << 23);
}

/// exp(x) = 2^k · (1 + p), with |p| < .42.
struct ReducedExp {
  std::int32_t k;
  float p;
};

/// For |x| < 2^9: k = rne(x · log2 e), r = x − k · ln 2 (its first step is exact), p = r + r² · q(r).
REQUANT_INLINE ReducedExp reduce_exp(float x) noexcept {
  const float shifted = x * kLog2e + kRoundToInteger;
  const float k = shifted - kRoundToInteger;
  const float high = x - k * kLn2High;
  const float r = high - k * kLn2Low;
  const float square = r * r;
  const float p = r + square * polynomial(kExp, r);
  return {std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(kRoundToInteger), p};
}

/// exp where the result is a normal number: −87 ≤ x ≤ 88.
REQUANT_INLINE float exp_normal(float x) noexcept {
  const ReducedExp e = reduce_exp(x);
  return (1.0f + e.p) * power_of_two(e.k);
}

}  // namespace float32_detail

/// exp(x). Overflows to +Inf exactly where the true value rounds to it; underflows through the subnormals to
/// +0.
REQUANT_INLINE float exp32(float x) noexcept {
  using namespace float32_detail;
  // Outside of these the result is 0 or +Inf anyway, and k stays within −150 … 128.
  const float above = select(x < -104.0f, -104.0f, x);
  const float clamped = select(above > 89.0f, 89.0f, above);
  const ReducedExp e = reduce_exp(clamped);
  // 2^k may be no float: multiply by 2^⌊k/2⌋, which is exact, and then by the rest, which rounds once.
  const std::int32_t half = e.k >> 1;
  const float scaled = (1.0f + e.p) * power_of_two(half);
  const float y = scaled * power_of_two(e.k - half);
  return select(x != x, x, y);
}

/// exp(x) − 1 without cancellation near 0.
REQUANT_INLINE float expm1_32(float x) noexcept {
  using namespace float32_detail;
  const float above = select(x < -20.0f, -20.0f, x);
  const float clamped = select(above > 89.0f, 89.0f, above);
  const ReducedExp e = reduce_exp(clamped);
  // 2 · (2^(k−1) · p + (2^(k−1) − ½)): half of the result, because 2^128 is no float.
  const float s = power_of_two(e.k - 1);
  const float half = s * e.p + (s - 0.5f);
  const float y = half + half;
  // Below 2^−25 exp(x) − 1 rounds to x or its neighbour; this keeps −0 and the subnormals. NaN takes it too.
  return select(magnitude(x) >= 0x1p-25f, y, x);
}

/// tanh(x): x + x³ · P(x²) up to .625, 1 − 2 / (exp(2|x|) + 1) beyond.
REQUANT_INLINE float tanh32(float x) noexcept {
  using namespace float32_detail;
  const float abs = magnitude(x);
  const float a = select(abs > kTanhIsOne, kTanhIsOne, abs);
  const float z = a * a;
  const float cube = a * z;
  const float small = a + cube * polynomial(kTanh, z);
  const float e = exp_normal(a + a);
  const float large = 1.0f - 2.0f / (e + 1.0f);
  const float y = select(a < kTanhSplit, small, large);
  return with_sign_of(select(x != x, x, y), x);
}

/// erf(x): x + x · P(x²) up to .875, 1 − exp(−Q(|x| − .875)) beyond.
REQUANT_INLINE float erf32(float x) noexcept {
  using namespace float32_detail;
  const float abs = magnitude(x);
  const float a = select(abs > kErfIsOne, kErfIsOne, abs);
  const float z = a * a;
  const float small = a + a * polynomial(kErf, z);
  const float t = a - kErfSplit;
  const float large = 1.0f - exp_normal(-polynomial(kErfTail, t));
  const float y = select(a < kErfSplit, small, large);
  return with_sign_of(select(x != x, x, y), x);
}

/// 1 / (1 + exp(−x)); for x < 0 as exp(x) / (1 + exp(x)), so that both ends keep their relative accuracy.
REQUANT_INLINE float sigmoid32(float x) noexcept {
  using namespace float32_detail;
  const float e = exp32(-magnitude(x));
  const float numerator = select(x < 0.0f, e, 1.0f);
  const float y = numerator / (1.0f + e);
  return select(x != x, x, y);
}

}  // namespace requant::arith
