// int32 accumulators → codes, int32 or float32, 16 columns at a time. Formulas: arith/requantize.h, docs/numerics.md.
#pragma once

#include "kernels/avx512vnni/lanes.h"

namespace requant::kernels {
namespace {

constexpr __mmask16 kOddLanes = 0xAAAA;

__m512i odd_to_even(__m512i v) noexcept { return _mm512_srli_epi64(v, 32); }

/// Upper halves of the 64-bit products of all 16 lanes.
__m512i mul_high(__m512i a, __m512i b) noexcept {
  const __m512i even = _mm512_mul_epi32(a, b);
  const __m512i odd = _mm512_mul_epi32(odd_to_even(a), odd_to_even(b));
  return _mm512_mask_blend_epi32(kOddLanes, _mm512_srli_epi64(even, 32), odd);
}

/// One vector of columns of the requantizer, ready for any number of rows.
struct HalfUp {
  __m512i multiplier, pre_shift, post_shift, half, acc_max, acc_min;
  bool shifts_left;

  // For s ≥ 33, k = s − 32: (hi32(acc·m) + 2^(k−1)) >> k. For s < 33 acc is clamped to ±2^(30−l), shifted left by
  // l = 33 − s and s = 33 is used: the clamp touches only values that saturate a byte anyway.
  HalfUp(const Epilogue& e, size_t column) noexcept : shifts_left(e.pre_shift) {
    const __m512i s = _mm512_loadu_si512(e.shift + column);
    const __m512i one = _mm512_set1_epi32(1);
    multiplier = _mm512_loadu_si512(e.multiplier + column);
    pre_shift = _mm512_max_epi32(_mm512_sub_epi32(_mm512_set1_epi32(33), s), _mm512_setzero_si512());
    post_shift = _mm512_max_epi32(_mm512_sub_epi32(s, _mm512_set1_epi32(32)), one);
    half = _mm512_sllv_epi32(one, _mm512_sub_epi32(post_shift, one));
    const __mmask16 shifted = _mm512_test_epi32_mask(pre_shift, pre_shift);
    acc_max = _mm512_mask_sllv_epi32(_mm512_set1_epi32(INT32_MAX), shifted, one,
                                     _mm512_sub_epi32(_mm512_set1_epi32(30), pre_shift));
    acc_min = _mm512_mask_sub_epi32(_mm512_set1_epi32(INT32_MIN), shifted, _mm512_setzero_si512(), acc_max);
  }

  __m512i operator()(__m512i acc) const noexcept {
    if (shifts_left) {
      acc = _mm512_max_epi32(_mm512_min_epi32(acc, acc_max), acc_min);
      acc = _mm512_sllv_epi32(acc, pre_shift);
    }
    return _mm512_srav_epi32(_mm512_add_epi32(mul_high(acc, multiplier), half), post_shift);
  }
};

struct HalfEven {
  __m512i multiplier_even, multiplier_odd, shift_even, shift_odd, acc_max, acc_min;

  HalfEven(const Epilogue& e, size_t column) noexcept {
    const __m512i s = _mm512_loadu_si512(e.shift + column);
    const __m512i one = _mm512_set1_epi32(1);
    multiplier_even = _mm512_loadu_si512(e.multiplier + column);
    multiplier_odd = odd_to_even(multiplier_even);
    shift_even = _mm512_and_si512(s, _mm512_set1_epi64(63));
    shift_odd = odd_to_even(s);
    // |acc| ≤ 2^(s−3) keeps the quotient in int32 for s < 33, as in HalfUp.
    const __mmask16 small = _mm512_cmplt_epi32_mask(s, _mm512_set1_epi32(33));
    acc_max = _mm512_mask_sllv_epi32(_mm512_set1_epi32(INT32_MAX), small, one,
                                     _mm512_sub_epi32(s, _mm512_set1_epi32(3)));
    acc_min = _mm512_mask_sub_epi32(_mm512_set1_epi32(INT32_MIN), small, _mm512_setzero_si512(), acc_max);
  }

  /// t = acc·m + 2^(s−1); q = t >> s; if the low s bits of t are 0, q &= ~1.
  static __m512i divide(__m512i acc, __m512i multiplier, __m512i shift) noexcept {
    const __m512i one = _mm512_set1_epi64(1);
    const __m512i half = _mm512_sllv_epi64(one, _mm512_sub_epi64(shift, one));
    const __m512i t = _mm512_add_epi64(_mm512_mul_epi32(acc, multiplier), half);
    const __m512i low_bits = _mm512_sub_epi64(_mm512_sllv_epi64(one, shift), one);
    const __mmask8 tie = _mm512_testn_epi64_mask(t, low_bits);
    const __m512i q = _mm512_srav_epi64(t, shift);
    return _mm512_mask_andnot_epi64(q, tie, one, q);
  }

  __m512i operator()(__m512i acc) const noexcept {
    acc = _mm512_max_epi32(_mm512_min_epi32(acc, acc_max), acc_min);
    const __m512i even = divide(acc, multiplier_even, shift_even);
    const __m512i odd = divide(odd_to_even(acc), multiplier_odd, shift_odd);
    return _mm512_mask_blend_epi32(kOddLanes, even, _mm512_slli_epi64(odd, 32));
  }
};

struct Gemmlowp {
  __m512i multiplier, pre_shift, acc_max, acc_min, post_shift, mask, threshold;

  Gemmlowp(const Epilogue& e, size_t column) noexcept {
    const __m512i s = _mm512_loadu_si512(e.shift + column);
    const __m512i zero = _mm512_setzero_si512();
    const __m512i one = _mm512_set1_epi32(1);
    multiplier = _mm512_loadu_si512(e.multiplier + column);
    // Saturating left shift by l = max(31 − s, 0): a clamp to [−2^31, 2^31 − 1] >> l first. Where it bites, the
    // result saturates a byte, so the low bits do not matter.
    pre_shift = _mm512_max_epi32(_mm512_sub_epi32(_mm512_set1_epi32(31), s), zero);
    acc_max = _mm512_srav_epi32(_mm512_set1_epi32(INT32_MAX), pre_shift);
    acc_min = _mm512_srav_epi32(_mm512_set1_epi32(INT32_MIN), pre_shift);
    // n = 32 (s = 63) is always 0: multiplier 0 and n = 31 say the same.
    const __mmask16 vanishes = _mm512_cmpeq_epi32_mask(s, _mm512_set1_epi32(63));
    multiplier = _mm512_mask_mov_epi32(multiplier, vanishes, zero);
    post_shift = _mm512_max_epi32(_mm512_sub_epi32(s, _mm512_set1_epi32(31)), zero);
    post_shift = _mm512_min_epi32(post_shift, _mm512_set1_epi32(31));
    mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, post_shift), one);
    threshold = _mm512_srli_epi32(mask, 1);
  }

  __m512i operator()(__m512i acc) const noexcept {
    acc = _mm512_max_epi32(_mm512_min_epi32(acc, acc_max), acc_min);
    acc = _mm512_sllv_epi32(acc, pre_shift);
    // SRDHM: (acc·m + 2^30) >> 31
    const __m512i nudge = _mm512_set1_epi64(int64_t{1} << 30);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(acc, multiplier), nudge);
    const __m512i odd =
        _mm512_add_epi64(_mm512_mul_epi32(odd_to_even(acc), odd_to_even(multiplier)), nudge);
    const __m512i x =
        _mm512_mask_blend_epi32(kOddLanes, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
    // RDByPOT: (x >> n) + ((x & mask) > (mask >> 1) + (x < 0))
    const __m512i limit = _mm512_add_epi32(threshold, _mm512_srli_epi32(x, 31));
    const __mmask16 up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(x, mask), limit);
    const __m512i q = _mm512_srav_epi32(x, post_shift);
    return _mm512_mask_add_epi32(q, up, q, _mm512_set1_epi32(1));
  }
};

struct Float32 {
  __m512 multiplier, lo, hi;

  Float32(const Epilogue& e, size_t column) noexcept
      : multiplier(_mm512_loadu_ps(e.scale + column)),
        lo(_mm512_set1_ps(static_cast<float>(e.lo - e.zero_point))),
        hi(_mm512_set1_ps(static_cast<float>(e.hi - e.zero_point))) {}

  __m512i operator()(__m512i acc) const noexcept {
    const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), multiplier);
    return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(product, lo), hi));
  }
};

/// The accumulator with bias and zero-point corrections, for one vector of columns.
struct Corrections {
  const Epilogue& e;
  __m512i bias, column0, column1;

  Corrections(const Epilogue& epilogue, size_t column) noexcept
      : e(epilogue),
        bias(epilogue.bias != nullptr ? _mm512_loadu_si512(epilogue.bias + column) : _mm512_setzero_si512()),
        column0(load(epilogue.corrections[0], column)),
        column1(load(epilogue.corrections[1], column)) {}

  static __m512i load(const RankOne& c, size_t column) noexcept {
    return c.row != nullptr ? _mm512_loadu_si512(c.column + column) : _mm512_setzero_si512();
  }

  __m512i operator()(const int32_t* acc, size_t row) const noexcept {
    __m512i v = _mm512_add_epi32(_mm512_loadu_si512(acc), bias);
    if (e.corrections[0].row != nullptr) v = _mm512_add_epi32(v, term(e.corrections[0].row[row], column0));
    if (e.corrections[1].row != nullptr) v = _mm512_add_epi32(v, term(e.corrections[1].row[row], column1));
    return v;
  }

  static __m512i term(int32_t row, __m512i column) noexcept {
    return _mm512_mullo_epi32(_mm512_set1_epi32(row), column);
  }
};

template <class Round>
void store_codes(const Epilogue& e, const AccumulatorBlock& b, size_t c, __mmask16 lanes) noexcept {
  const Corrections corrected(e, b.column + c);
  const Round round(e, b.column + c);
  const __m512i lo = _mm512_set1_epi32(e.lo - e.zero_point);
  const __m512i hi = _mm512_set1_epi32(e.hi - e.zero_point);
  const __m512i zero_point = _mm512_set1_epi32(e.zero_point);
  auto* out = static_cast<uint8_t*>(b.out) + c;
  for (size_t r = 0; r < b.rows; ++r) {
    __m512i q = round(corrected(b.acc + r * b.acc_stride + c, b.row + r));
    q = _mm512_add_epi32(_mm512_min_epi32(_mm512_max_epi32(q, lo), hi), zero_point);
    _mm_mask_storeu_epi8(out + r * b.out_stride, lanes, _mm512_cvtepi32_epi8(q));
  }
}

void store_int32(const Epilogue& e, const AccumulatorBlock& b, size_t c, __mmask16 lanes) noexcept {
  const Corrections corrected(e, b.column + c);
  auto* out = static_cast<int32_t*>(b.out) + c;
  for (size_t r = 0; r < b.rows; ++r) {
    _mm512_mask_storeu_epi32(out + r * b.out_stride, lanes,
                             corrected(b.acc + r * b.acc_stride + c, b.row + r));
  }
}

void store_float(const Epilogue& e, const AccumulatorBlock& b, size_t c, __mmask16 lanes) noexcept {
  const Corrections corrected(e, b.column + c);
  const bool dynamic = e.output == Output::dynamic;
  const __m512 scale = _mm512_loadu_ps(e.scale + b.column + c);
  const bool has_bias = dynamic && e.float_bias != nullptr;
  const __m512 bias = has_bias ? _mm512_loadu_ps(e.float_bias + b.column + c) : _mm512_setzero_ps();
  auto* out = static_cast<float*>(b.out) + c;
  for (size_t r = 0; r < b.rows; ++r) {
    const __m512 acc = _mm512_cvtepi32_ps(corrected(b.acc + r * b.acc_stride + c, b.row + r));
    const __m512 s = dynamic ? _mm512_mul_ps(_mm512_set1_ps(e.row_scale[b.row + r]), scale) : scale;
    __m512 y = _mm512_mul_ps(acc, s);
    if (has_bias) y = _mm512_add_ps(y, bias);
    _mm512_mask_storeu_ps(out + r * b.out_stride, lanes, y);
  }
}

using StoreVector = void (*)(const Epilogue&, const AccumulatorBlock&, size_t, __mmask16) noexcept;

StoreVector select_store(const Epilogue& e) noexcept {
  switch (e.output) {
    case Output::int32: return store_int32;
    case Output::dequantize:
    case Output::dynamic: return store_float;
    case Output::code: break;
  }
  switch (e.rounding) {
    case Rounding::half_up: return store_codes<HalfUp>;
    case Rounding::half_even: return store_codes<HalfEven>;
    case Rounding::gemmlowp: return store_codes<Gemmlowp>;
    case Rounding::float32: return store_codes<Float32>;
  }
  return store_codes<HalfUp>;
}

/// acc holds whole vectors of columns.
void store_tile(const Epilogue& e, const AccumulatorBlock& b) noexcept {
  const StoreVector store = select_store(e);
  for (size_t c = 0; c < b.columns; c += kLanes) store(e, b, c, first_lanes(b.columns - c));
}

/// acc may end anywhere: the last vector of a row is copied before it is read.
void epilogue(const Epilogue& e, const AccumulatorBlock& b) noexcept {
  alignas(64) int32_t acc[kColumns];
  for (size_t r = 0; r < b.rows; ++r) {
    for (size_t c = 0; c < b.columns; c += kColumns) {
      const size_t columns = minimum(kColumns, b.columns - c);
      for (size_t v = 0; v < columns; v += kLanes) {
        const __mmask16 lanes = first_lanes(columns - v);
        _mm512_store_si512(acc + v, _mm512_maskz_loadu_epi32(lanes, b.acc + r * b.acc_stride + c + v));
      }
      auto* out = static_cast<uint8_t*>(b.out) + (r * b.out_stride + c) * output_bytes(e.output);
      store_tile(e, {acc, kColumns, b.row + r, 1, b.column + c, columns, out, b.out_stride});
    }
  }
}

}  // namespace
}  // namespace requant::kernels
