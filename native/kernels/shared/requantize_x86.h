// The three fixed-point roundings over x86 vectors, whose 32 × 32 → 64-bit product (vpmuldq) works on even
// lanes. Formulas: arith/requantize.h, docs/numerics.md.
#pragma once

#include "kernels/shared/epilogue.h"

namespace requant::kernels {
namespace {

/// For s ≥ 33, k = s − 32: (hi32(acc·m) + 2^(k−1)) >> k. For s < 33 acc is clamped to ±2^(30−l), shifted left
/// by l = 33 − s and s = 33 is used: the clamp touches only values that saturate a byte anyway.
template <class V>
struct HalfUp {
  using Int = typename V::Int;
  Int multiplier, pre_shift, post_shift, half, acc_max, acc_min;
  bool shifts_left;

  HalfUp(const Epilogue& e, size_t column) noexcept : shifts_left(e.pre_shift) {
    const Int s = V::load(e.shift + column);
    const Int one = V::set(1);
    multiplier = V::load(e.multiplier + column);
    pre_shift = V::max(V::sub(V::set(33), s), V::set(0));
    post_shift = V::max(V::sub(s, V::set(32)), one);
    half = V::shift_left(one, V::sub(post_shift, one));
    const auto shifted = V::greater(pre_shift, V::set(0));
    const Int bound = V::shift_left(one, V::sub(V::set(30), pre_shift));
    acc_max = V::select(shifted, bound, V::set(INT32_MAX));
    acc_min = V::select(shifted, V::sub(V::set(0), bound), V::set(INT32_MIN));
  }

  Int operator()(Int acc) const noexcept {
    if (shifts_left) acc = V::shift_left(clamp<V>(acc, acc_min, acc_max), pre_shift);
    const Int even = V::template logical_right64<32>(V::mul_even(acc, multiplier));
    const Int odd = V::mul_even(V::odd_to_even(acc), V::odd_to_even(multiplier));
    return V::shift_right(V::add(V::blend_odd(even, odd), half), post_shift);
  }
};

/// t = acc·m + 2^(s−1); q = t >> s; if the low s bits of t are 0, q &= ~1. All in int64.
template <class V>
struct HalfEven {
  using Int = typename V::Int;
  Int multiplier, shift_even, shift_odd, acc_max, acc_min;

  HalfEven(const Epilogue& e, size_t column) noexcept {
    const Int s = V::load(e.shift + column);
    multiplier = V::load(e.multiplier + column);
    shift_even = V::bit_and(s, V::set64(63));
    shift_odd = V::odd_to_even(s);
    // |acc| ≤ 2^(s−3) keeps the quotient in int32 for s < 33, as in HalfUp.
    const auto small = V::greater(V::set(33), s);
    const Int bound = V::shift_left(V::set(1), V::sub(s, V::set(3)));
    acc_max = V::select(small, bound, V::set(INT32_MAX));
    acc_min = V::select(small, V::sub(V::set(0), bound), V::set(INT32_MIN));
  }

  static Int divide(Int acc, Int multiplier, Int shift) noexcept {
    const Int one = V::set64(1);
    const Int half = V::shift_left64(one, V::sub64(shift, one));
    const Int t = V::add64(V::mul_even(acc, multiplier), half);
    const Int low_bits = V::bit_and(t, V::sub64(V::shift_left64(one, shift), one));
    return V::clear_lowest_bit_where_zero64(V::shift_right64(t, shift), low_bits);
  }

  Int operator()(Int acc) const noexcept {
    acc = clamp<V>(acc, acc_min, acc_max);
    const Int even = divide(acc, multiplier, shift_even);
    const Int odd = divide(V::odd_to_even(acc), V::odd_to_even(multiplier), shift_odd);
    return V::blend_odd(even, V::template left64<32>(odd));
  }
};

/// RDByPOT(SRDHM(acc, m), s − 31)
template <class V>
struct Gemmlowp {
  using Int = typename V::Int;
  Int multiplier, pre_shift, acc_max, acc_min, post_shift, mask, threshold;

  Gemmlowp(const Epilogue& e, size_t column) noexcept {
    const Int s = V::load(e.shift + column);
    const Int zero = V::set(0);
    const Int thirty_one = V::set(31);
    // Saturating left shift by l = max(31 − s, 0): a clamp to [−2^31, 2^31 − 1] >> l first. Where it bites,
    // the result saturates a byte, so the low bits do not matter.
    pre_shift = V::max(V::sub(thirty_one, s), zero);
    acc_max = V::shift_right(V::set(INT32_MAX), pre_shift);
    acc_min = V::shift_right(V::set(INT32_MIN), pre_shift);
    // n = 32 (s = 63) is always 0: multiplier 0 and n = 31 say the same.
    const auto vanishes = V::greater(s, V::set(62));
    multiplier = V::select(vanishes, zero, V::load(e.multiplier + column));
    post_shift = clamp<V>(V::sub(s, thirty_one), zero, thirty_one);
    mask = V::sub(V::shift_left(V::set(1), post_shift), V::set(1));
    threshold = V::template logical_right<1>(mask);
  }

  Int operator()(Int acc) const noexcept {
    acc = V::shift_left(clamp<V>(acc, acc_min, acc_max), pre_shift);
    // SRDHM: (acc·m + 2^30) >> 31
    const Int nudge = V::set64(int64_t{1} << 30);
    const Int even = V::add64(V::mul_even(acc, multiplier), nudge);
    const Int odd = V::add64(V::mul_even(V::odd_to_even(acc), V::odd_to_even(multiplier)), nudge);
    const Int x = V::blend_odd(V::template logical_right64<31>(even), V::template left64<1>(odd));
    // RDByPOT: (x >> n) + ((x & mask) > (mask >> 1) + (x < 0))
    const Int limit = V::add(threshold, V::template logical_right<31>(x));
    const Int q = V::shift_right(x, post_shift);
    return V::select(V::greater(V::bit_and(x, mask), limit), V::add(q, V::set(1)), q);
  }
};

}  // namespace
}  // namespace requant::kernels
