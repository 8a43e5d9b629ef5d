// The three fixed-point roundings on NEON, whose saturating doubling products and rounding shifts were made
// for them. Formulas: arith/requantize.h, docs/numerics.md. What saturates int32 on the way saturates a byte.
#pragma once

#include <arm_neon.h>

#include "kernels/shared/epilogue.h"

namespace requant::kernels {
namespace {

/// srshl(sqdmulh(sqshl(acc, max(32 − s, 0)), m), −max(s − 31, 1))
template <class V>
struct HalfUp {
  int32x4_t multiplier, pre_shift, post_shift;

  HalfUp(const Epilogue& e, size_t column) noexcept {
    const int32x4_t s = V::load(e.shift + column);
    multiplier = V::load(e.multiplier + column);
    pre_shift = V::max(V::sub(V::set(32), s), V::set(0));
    post_shift = V::min(V::sub(V::set(31), s), V::set(-1));
  }

  int32x4_t operator()(int32x4_t acc) const noexcept {
    return vrshlq_s32(vqdmulhq_s32(vqshlq_s32(acc, pre_shift), multiplier), post_shift);
  }
};

/// t = acc·m + 2^(s−1); q = t >> s; if the low s bits of t are 0, q &= ~1. In int64, then saturated.
template <class V>
struct HalfEven {
  struct Half {  // two columns
    int64x2_t half, right, left;

    explicit Half(int32x2_t s) noexcept
        : half(vshlq_s64(vdupq_n_s64(1), vsubq_s64(vmovl_s32(s), vdupq_n_s64(1)))),
          right(vnegq_s64(vmovl_s32(s))),
          left(vsubq_s64(vdupq_n_s64(64), vmovl_s32(s))) {}

    int64x2_t divide(int64x2_t product) const noexcept {
      const int64x2_t t = vaddq_s64(product, half);
      const uint64x2_t tie = vceqzq_s64(vshlq_s64(t, left));
      const uint64x2_t odd = vandq_u64(tie, vdupq_n_u64(1));
      return vbicq_s64(vshlq_s64(t, right), vreinterpretq_s64_u64(odd));
    }
  };

  int32x4_t multiplier;
  Half low, high;

  HalfEven(const Epilogue& e, size_t column) noexcept
      : multiplier(V::load(e.multiplier + column)),
        low(vget_low_s32(V::load(e.shift + column))),
        high(vget_high_s32(V::load(e.shift + column))) {}

  int32x4_t operator()(int32x4_t acc) const noexcept {
    const int64x2_t product_low = vmull_s32(vget_low_s32(acc), vget_low_s32(multiplier));
    const int64x2_t product_high = vmull_high_s32(acc, multiplier);
    return vqmovn_high_s64(vqmovn_s64(low.divide(product_low)), high.divide(product_high));
  }
};

/// RDByPOT(SRDHM(sqshl(acc, max(31 − s, 0)), m), s − 31)
template <class V>
struct Gemmlowp {
  int32x4_t multiplier, pre_shift, post_shift;

  Gemmlowp(const Epilogue& e, size_t column) noexcept {
    const int32x4_t left = V::sub(V::set(31), V::load(e.shift + column));
    multiplier = V::load(e.multiplier + column);
    pre_shift = V::max(left, V::set(0));
    post_shift = V::min(left, V::set(0));
  }

  int32x4_t operator()(int32x4_t acc) const noexcept {
    const int32x4_t x = vqrdmulhq_s32(vqshlq_s32(acc, pre_shift), multiplier);
    // srshl rounds ties up; one less below zero makes that away from zero. No step where n = 0: then
    // post_shift has no sign bit.
    const int32x4_t negative = vshrq_n_s32(vandq_s32(x, post_shift), 31);
    return vrshlq_s32(vqaddq_s32(x, negative), post_shift);
  }
};

}  // namespace
}  // namespace requant::kernels
