// Sixteen 32-bit lanes: the vector type of the shared templates on AVX-512.
#pragma once

#include <immintrin.h>

#include "kernels/shared/requantize_x86.h"
#include "kernels/shared/tiles.h"
#include "kernels/shared/vector.h"

namespace requant::kernels {
namespace {

struct Lanes16 {
  using Int = __m512i;
  using Float = __m512;
  using Mask = __mmask16;
  static constexpr size_t kLanes = 16;

  static Mask first(size_t count) noexcept {
    return count >= kLanes ? static_cast<Mask>(0xFFFF) : static_cast<Mask>((1U << count) - 1);
  }

  static Int set(int32_t v) noexcept { return _mm512_set1_epi32(v); }
  static Int set64(int64_t v) noexcept { return _mm512_set1_epi64(v); }
  /// 0, 1, 2, …
  static Int count() noexcept {
    return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
  static Int load(const int32_t* p) noexcept { return _mm512_loadu_si512(p); }
  static Int load_bytes(const uint8_t* p, size_t count) noexcept {
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first(count), p));
  }
  static void store(int32_t* p, Int v, size_t count) noexcept {
    _mm512_mask_storeu_epi32(p, first(count), v);
  }
  static void store_bytes(uint8_t* p, Int v, size_t count) noexcept {
    _mm_mask_storeu_epi8(p, first(count), _mm512_cvtepi32_epi8(v));
  }
  static Int add(Int a, Int b) noexcept { return _mm512_add_epi32(a, b); }
  static Int sub(Int a, Int b) noexcept { return _mm512_sub_epi32(a, b); }
  static Int mul_low(Int a, Int b) noexcept { return _mm512_mullo_epi32(a, b); }
  static Int min(Int a, Int b) noexcept { return _mm512_min_epi32(a, b); }
  static Int max(Int a, Int b) noexcept { return _mm512_max_epi32(a, b); }
  static Int bit_xor(Int a, Int b) noexcept { return _mm512_xor_si512(a, b); }
  static Int bit_and(Int a, Int b) noexcept { return _mm512_and_si512(a, b); }
  static Int shift_left(Int v, Int by) noexcept { return _mm512_sllv_epi32(v, by); }
  static Int shift_right(Int v, Int by) noexcept { return _mm512_srav_epi32(v, by); }
  template <int By>
  static Int logical_right(Int v) noexcept {
    return _mm512_srli_epi32(v, By);
  }
  static Mask greater(Int a, Int b) noexcept { return _mm512_cmpgt_epi32_mask(a, b); }
  static Int select(Mask m, Int if_set, Int if_clear) noexcept {
    return _mm512_mask_mov_epi32(if_clear, m, if_set);
  }

  static Int mul_even(Int a, Int b) noexcept { return _mm512_mul_epi32(a, b); }
  static Int mul_even_unsigned(Int a, Int b) noexcept { return _mm512_mul_epu32(a, b); }
  static Int odd_to_even(Int v) noexcept { return _mm512_srli_epi64(v, 32); }
  static Int blend_odd(Int even, Int odd) noexcept { return _mm512_mask_blend_epi32(0xAAAA, even, odd); }
  static Int add64(Int a, Int b) noexcept { return _mm512_add_epi64(a, b); }
  static Int sub64(Int a, Int b) noexcept { return _mm512_sub_epi64(a, b); }
  template <int By>
  static Int left64(Int v) noexcept {
    return _mm512_slli_epi64(v, By);
  }
  template <int By>
  static Int logical_right64(Int v) noexcept {
    return _mm512_srli_epi64(v, By);
  }
  static Int shift_left64(Int v, Int by) noexcept { return _mm512_sllv_epi64(v, by); }
  static Int shift_right64(Int v, Int by) noexcept { return _mm512_srav_epi64(v, by); }
  static Int clear_lowest_bit_where_zero64(Int v, Int condition) noexcept {
    return _mm512_mask_andnot_epi64(v, _mm512_testn_epi64_mask(condition, condition), set64(1), v);
  }

  /// Vectors of codes that CodeBytes stores best at a time.
  static constexpr int kCodeVectors = 4;
  /// Up to that many vectors, saturated to int16, in whatever order.
  struct Words {
    __m512i low, high;

    template <int Vectors>
    explicit Words(const Int (&q)[Vectors]) noexcept {
      const Int zero = _mm512_setzero_si512();
      low = _mm512_packs_epi32(q[0], Vectors > 1 ? q[Vectors > 1 ? 1 : 0] : zero);
      high = Vectors > 2 ? _mm512_packs_epi32(q[Vectors > 2 ? 2 : 0], Vectors > 3 ? q[Vectors - 1] : zero)
                         : zero;
    }

    void add(int16_t v) noexcept {
      low = _mm512_adds_epi16(low, _mm512_set1_epi16(v));
      high = _mm512_adds_epi16(high, _mm512_set1_epi16(v));
    }
  };

  /// Codes of `Vectors` vectors of columns, saturated to a byte; then, unless they are plain bytes, clamped,
  /// and their top bit flipped where the output is signed.
  struct CodeBytes {
    __m512i lo, hi, flip;
    bool plain;
    CodeBytes(uint8_t low, uint8_t high, uint8_t xor_with) noexcept
        : lo(_mm512_set1_epi8(static_cast<char>(low))),
          hi(_mm512_set1_epi8(static_cast<char>(high))),
          flip(_mm512_set1_epi8(static_cast<char>(xor_with))),
          plain(low == 0 && high == 255 && xor_with == 0) {}

    template <int Vectors>
    void store(uint8_t* out, const Int (&q)[Vectors], size_t columns) const noexcept {
      store(out, Words(q), columns);
    }

    void store(uint8_t* out, const Words& words, size_t columns) const noexcept {
      // Packing works in 128-bit lanes: lane i holds columns 4i…4i+3 of each vector.
      const Int order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
      Int bytes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(words.low, words.high));
      if (!plain) bytes = _mm512_xor_si512(_mm512_min_epu8(_mm512_max_epu8(bytes, lo), hi), flip);
      if (columns >= 64) {
        _mm512_storeu_si512(out, bytes);
      } else {
        _mm512_mask_storeu_epi8(out, (uint64_t{1} << columns) - 1, bytes);
      }
    }
  };
  static Int bits(Float v) noexcept { return _mm512_castps_si512(v); }

  static Float set(float v) noexcept { return _mm512_set1_ps(v); }
  static Float load(const float* p) noexcept { return _mm512_loadu_ps(p); }
  static Float load_first(const float* p, size_t count, Float rest) noexcept {
    return _mm512_mask_loadu_ps(rest, first(count), p);
  }
  static Float load_weights(const float* p) noexcept { return _mm512_load_ps(p); }
  static Float load_weights(const int8_t* p) noexcept {
    return to_float(_mm512_cvtepi8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static void store(float* p, Float v, size_t count) noexcept { _mm512_mask_storeu_ps(p, first(count), v); }
  static Float add(Float a, Float b) noexcept { return _mm512_add_ps(a, b); }
  static Float mul(Float a, Float b) noexcept { return _mm512_mul_ps(a, b); }
  static Float div(Float a, Float b) noexcept { return _mm512_div_ps(a, b); }
  static Float sqrt(Float v) noexcept { return _mm512_sqrt_ps(v); }
  static Float min(Float a, Float b) noexcept { return _mm512_min_ps(a, b); }
  static Float max(Float a, Float b) noexcept { return _mm512_max_ps(a, b); }
  /// The value nearest to v in [−bound, bound]; anything for NaN.
  static Float limit(Float v, Float bound) noexcept {
    constexpr int kSmallerMagnitudeSignOfFirst = 0b0010;
    return _mm512_range_ps(v, bound, kSmallerMagnitudeSignOfFirst);
  }
  static Float multiply_add(Float a, Float b, Float c) noexcept { return _mm512_fmadd_ps(a, b, c); }
  /// c − a·b, rounded once.
  static Float negative_multiply_add(Float a, Float b, Float c) noexcept { return _mm512_fnmadd_ps(a, b, c); }
  static Float to_float(Int v) noexcept { return _mm512_cvtepi32_ps(v); }
  static Int round(Float v) noexcept { return _mm512_cvtps_epi32(v); }

  static Mask no_nan() noexcept { return 0; }
  static Mask is_nan(Float v) noexcept { return either_is_nan(v, v); }
  static Mask either_is_nan(Float a, Float b) noexcept { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); }
  static Mask either(Mask a, Mask b) noexcept { return static_cast<Mask>(a | b); }
  static bool any(Mask m) noexcept { return m != 0; }
  static Float zero_where(Mask m, Float v) noexcept { return _mm512_maskz_mov_ps(static_cast<Mask>(~m), v); }

  static StoreVector select_store(const Epilogue& e) noexcept {
    return kernels::select_store<Lanes16, HalfUp, HalfEven, Gemmlowp>(e);
  }
};

constexpr size_t kRows = 6;
constexpr size_t kVectors = 4;

}  // namespace
}  // namespace requant::kernels
