// int32 accumulators → codes, int32 or float32, 8 columns at a time. Formulas: arith/requantize.h, docs/numerics.md.
#pragma once

#include "kernels/avx2/lanes.h"

namespace requant::kernels {
namespace {

constexpr int kOddLanes = 0xAA;

__m256i load(const int32_t* p) noexcept { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
__m256i odd_to_even(__m256i v) noexcept { return _mm256_srli_epi64(v, 32); }
__m256i select(__m256i mask, __m256i if_set, __m256i if_clear) noexcept {
  return _mm256_blendv_epi8(if_clear, if_set, mask);
}
__m256i clamp(__m256i v, __m256i lo, __m256i hi) noexcept {
  return _mm256_min_epi32(_mm256_max_epi32(v, lo), hi);
}

/// Upper halves of the 64-bit products of all 8 lanes.
__m256i mul_high(__m256i a, __m256i b) noexcept {
  const __m256i even = _mm256_mul_epi32(a, b);
  const __m256i odd = _mm256_mul_epi32(odd_to_even(a), odd_to_even(b));
  return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, kOddLanes);
}

/// One vector of columns of the requantizer, ready for any number of rows.
struct HalfUp {
  __m256i multiplier, pre_shift, post_shift, half, acc_max, acc_min;
  bool shifts_left;

  // For s ≥ 33, k = s − 32: (hi32(acc·m) + 2^(k−1)) >> k. For s < 33 acc is clamped to ±2^(30−l), shifted left by
  // l = 33 − s and s = 33 is used: the clamp touches only values that saturate a byte anyway.
  HalfUp(const Epilogue& e, size_t column) noexcept : shifts_left(e.pre_shift) {
    const __m256i s = load(e.shift + column);
    const __m256i one = _mm256_set1_epi32(1);
    const __m256i zero = _mm256_setzero_si256();
    multiplier = load(e.multiplier + column);
    pre_shift = _mm256_max_epi32(_mm256_sub_epi32(_mm256_set1_epi32(33), s), zero);
    post_shift = _mm256_max_epi32(_mm256_sub_epi32(s, _mm256_set1_epi32(32)), one);
    half = _mm256_sllv_epi32(one, _mm256_sub_epi32(post_shift, one));
    const __m256i shifted = _mm256_cmpgt_epi32(pre_shift, zero);
    const __m256i bound = _mm256_sllv_epi32(one, _mm256_sub_epi32(_mm256_set1_epi32(30), pre_shift));
    acc_max = select(shifted, bound, _mm256_set1_epi32(INT32_MAX));
    acc_min = select(shifted, _mm256_sub_epi32(zero, bound), _mm256_set1_epi32(INT32_MIN));
  }

  __m256i operator()(__m256i acc) const noexcept {
    if (shifts_left) acc = _mm256_sllv_epi32(clamp(acc, acc_min, acc_max), pre_shift);
    return _mm256_srav_epi32(_mm256_add_epi32(mul_high(acc, multiplier), half), post_shift);
  }
};

struct HalfEven {
  __m256i multiplier, shift_even, shift_odd, acc_max, acc_min;

  HalfEven(const Epilogue& e, size_t column) noexcept {
    const __m256i s = load(e.shift + column);
    const __m256i one = _mm256_set1_epi32(1);
    multiplier = load(e.multiplier + column);
    shift_even = _mm256_and_si256(s, _mm256_set1_epi64x(63));
    shift_odd = odd_to_even(s);
    // |acc| ≤ 2^(s−3) keeps the quotient in int32 for s < 33, as in HalfUp.
    const __m256i small = _mm256_cmpgt_epi32(_mm256_set1_epi32(33), s);
    const __m256i bound = _mm256_sllv_epi32(one, _mm256_sub_epi32(s, _mm256_set1_epi32(3)));
    acc_max = select(small, bound, _mm256_set1_epi32(INT32_MAX));
    acc_min = select(small, _mm256_sub_epi32(_mm256_setzero_si256(), bound), _mm256_set1_epi32(INT32_MIN));
  }

  /// Arithmetic shift of int64 lanes, which AVX2 lacks: shift the value biased by 2^63, then take the bias out.
  static __m256i shift_right(__m256i v, __m256i shift) noexcept {
    const __m256i bias = _mm256_set1_epi64x(INT64_MIN);
    return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_xor_si256(v, bias), shift),
                            _mm256_srlv_epi64(bias, shift));
  }

  /// t = acc·m + 2^(s−1); q = t >> s; if the low s bits of t are 0, q &= ~1.
  static __m256i divide(__m256i acc, __m256i multiplier, __m256i shift) noexcept {
    const __m256i one = _mm256_set1_epi64x(1);
    const __m256i half = _mm256_sllv_epi64(one, _mm256_sub_epi64(shift, one));
    const __m256i t = _mm256_add_epi64(_mm256_mul_epi32(acc, multiplier), half);
    const __m256i low_bits = _mm256_and_si256(t, _mm256_sub_epi64(_mm256_sllv_epi64(one, shift), one));
    const __m256i tie = _mm256_cmpeq_epi64(low_bits, _mm256_setzero_si256());
    return _mm256_andnot_si256(_mm256_and_si256(tie, one), shift_right(t, shift));
  }

  __m256i operator()(__m256i acc) const noexcept {
    acc = clamp(acc, acc_min, acc_max);
    const __m256i even = divide(acc, multiplier, shift_even);
    const __m256i odd = divide(odd_to_even(acc), odd_to_even(multiplier), shift_odd);
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), kOddLanes);
  }
};

struct Gemmlowp {
  __m256i multiplier, pre_shift, acc_max, acc_min, post_shift, mask, threshold;

  Gemmlowp(const Epilogue& e, size_t column) noexcept {
    const __m256i s = load(e.shift + column);
    const __m256i zero = _mm256_setzero_si256();
    const __m256i thirty_one = _mm256_set1_epi32(31);
    // Saturating left shift by l = max(31 − s, 0): a clamp to [−2^31, 2^31 − 1] >> l first. Where it bites, the
    // result saturates a byte, so the low bits do not matter.
    pre_shift = _mm256_max_epi32(_mm256_sub_epi32(thirty_one, s), zero);
    acc_max = _mm256_srav_epi32(_mm256_set1_epi32(INT32_MAX), pre_shift);
    acc_min = _mm256_srav_epi32(_mm256_set1_epi32(INT32_MIN), pre_shift);
    // n = 32 (s = 63) is always 0: multiplier 0 and n = 31 say the same.
    const __m256i vanishes = _mm256_cmpeq_epi32(s, _mm256_set1_epi32(63));
    multiplier = _mm256_andnot_si256(vanishes, load(e.multiplier + column));
    post_shift = clamp(_mm256_sub_epi32(s, thirty_one), zero, thirty_one);
    mask = _mm256_sub_epi32(_mm256_sllv_epi32(_mm256_set1_epi32(1), post_shift), _mm256_set1_epi32(1));
    threshold = _mm256_srli_epi32(mask, 1);
  }

  __m256i operator()(__m256i acc) const noexcept {
    acc = _mm256_sllv_epi32(clamp(acc, acc_min, acc_max), pre_shift);
    // SRDHM: (acc·m + 2^30) >> 31
    const __m256i nudge = _mm256_set1_epi64x(int64_t{1} << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(acc, multiplier), nudge);
    const __m256i odd =
        _mm256_add_epi64(_mm256_mul_epi32(odd_to_even(acc), odd_to_even(multiplier)), nudge);
    const __m256i x =
        _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), kOddLanes);
    // RDByPOT: (x >> n) + ((x & mask) > (mask >> 1) + (x < 0)); a true comparison is −1
    const __m256i limit = _mm256_add_epi32(threshold, _mm256_srli_epi32(x, 31));
    const __m256i up = _mm256_cmpgt_epi32(_mm256_and_si256(x, mask), limit);
    return _mm256_sub_epi32(_mm256_srav_epi32(x, post_shift), up);
  }
};

struct Float32 {
  __m256 multiplier, lo, hi;

  Float32(const Epilogue& e, size_t column) noexcept
      : multiplier(_mm256_loadu_ps(e.scale + column)),
        lo(_mm256_set1_ps(static_cast<float>(e.lo - e.zero_point))),
        hi(_mm256_set1_ps(static_cast<float>(e.hi - e.zero_point))) {}

  __m256i operator()(__m256i acc) const noexcept {
    const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), multiplier);
    return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(product, lo), hi));
  }
};

/// The accumulator with bias and zero-point corrections, for one vector of columns.
struct Corrections {
  const Epilogue& e;
  __m256i bias, column0, column1;

  Corrections(const Epilogue& epilogue, size_t column) noexcept
      : e(epilogue),
        bias(epilogue.bias != nullptr ? load(epilogue.bias + column) : _mm256_setzero_si256()),
        column0(column_of(epilogue.corrections[0], column)),
        column1(column_of(epilogue.corrections[1], column)) {}

  static __m256i column_of(const RankOne& c, size_t column) noexcept {
    return c.row != nullptr ? load(c.column + column) : _mm256_setzero_si256();
  }

  __m256i operator()(const int32_t* acc, size_t row) const noexcept {
    __m256i v = _mm256_add_epi32(load(acc), bias);
    if (e.corrections[0].row != nullptr) v = _mm256_add_epi32(v, term(e.corrections[0].row[row], column0));
    if (e.corrections[1].row != nullptr) v = _mm256_add_epi32(v, term(e.corrections[1].row[row], column1));
    return v;
  }

  static __m256i term(int32_t row, __m256i column) noexcept {
    return _mm256_mullo_epi32(_mm256_set1_epi32(row), column);
  }
};

template <class Round>
void store_codes(const Epilogue& e, const AccumulatorBlock& b, size_t c) noexcept {
  const Corrections corrected(e, b.column + c);
  const Round round(e, b.column + c);
  const __m256i lo = _mm256_set1_epi32(e.lo - e.zero_point);
  const __m256i hi = _mm256_set1_epi32(e.hi - e.zero_point);
  const __m256i zero_point = _mm256_set1_epi32(e.zero_point);
  auto* out = static_cast<uint8_t*>(b.out) + c;
  for (size_t r = 0; r < b.rows; ++r) {
    const __m256i q = clamp(round(corrected(b.acc + r * b.acc_stride + c, b.row + r)), lo, hi);
    store_low_bytes(out + r * b.out_stride, _mm256_add_epi32(q, zero_point), b.columns - c);
  }
}

void store_int32(const Epilogue& e, const AccumulatorBlock& b, size_t c) noexcept {
  const Corrections corrected(e, b.column + c);
  const __m256i lanes = first_lanes(b.columns - c);
  auto* out = static_cast<int32_t*>(b.out) + c;
  for (size_t r = 0; r < b.rows; ++r) {
    _mm256_maskstore_epi32(out + r * b.out_stride, lanes, corrected(b.acc + r * b.acc_stride + c, b.row + r));
  }
}

void store_float(const Epilogue& e, const AccumulatorBlock& b, size_t c) noexcept {
  const Corrections corrected(e, b.column + c);
  const __m256i lanes = first_lanes(b.columns - c);
  const bool dynamic = e.output == Output::dynamic;
  const __m256 scale = _mm256_loadu_ps(e.scale + b.column + c);
  const bool has_bias = dynamic && e.float_bias != nullptr;
  const __m256 bias = has_bias ? _mm256_loadu_ps(e.float_bias + b.column + c) : _mm256_setzero_ps();
  auto* out = static_cast<float*>(b.out) + c;
  for (size_t r = 0; r < b.rows; ++r) {
    const __m256 acc = _mm256_cvtepi32_ps(corrected(b.acc + r * b.acc_stride + c, b.row + r));
    const __m256 s = dynamic ? _mm256_mul_ps(_mm256_set1_ps(e.row_scale[b.row + r]), scale) : scale;
    __m256 y = _mm256_mul_ps(acc, s);
    if (has_bias) y = _mm256_add_ps(y, bias);
    _mm256_maskstore_ps(out + r * b.out_stride, lanes, y);
  }
}

using StoreVector = void (*)(const Epilogue&, const AccumulatorBlock&, size_t) noexcept;

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
  for (size_t c = 0; c < b.columns; c += kLanes) store(e, b, c);
}

/// acc may end anywhere: the last vector of a row is copied before it is read.
void epilogue(const Epilogue& e, const AccumulatorBlock& b) noexcept {
  alignas(32) int32_t acc[kColumns];
  for (size_t r = 0; r < b.rows; ++r) {
    for (size_t c = 0; c < b.columns; c += kColumns) {
      const size_t columns = minimum(kColumns, b.columns - c);
      for (size_t v = 0; v < columns; v += kLanes) {
        const __m256i part =
            _mm256_maskload_epi32(b.acc + r * b.acc_stride + c + v, first_lanes(columns - v));
        _mm256_store_si256(reinterpret_cast<__m256i*>(acc + v), part);
      }
      auto* out = static_cast<uint8_t*>(b.out) + (r * b.out_stride + c) * output_bytes(e.output);
      store_tile(e, {acc, kColumns, b.row + r, 1, b.column + c, columns, out, b.out_stride});
    }
  }
}

}  // namespace
}  // namespace requant::kernels
