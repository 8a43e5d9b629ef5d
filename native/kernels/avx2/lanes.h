// Eight 32-bit lanes: the vector type of the shared templates on AVX2.
#pragma once

#include <immintrin.h>

#include "kernels/shared/requantize_x86.h"
#include "kernels/shared/tiles.h"
#include "kernels/shared/vector.h"

namespace requant::kernels {
namespace {

struct Lanes8 {
  using Int = __m256i;
  using Float = __m256;
  using Mask = __m256i;  // all bits of a lane
  static constexpr size_t kLanes = 8;

  static Mask first(size_t count) noexcept {
    const auto limit = static_cast<int32_t>(minimum(count, kLanes));
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(limit), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }

  static Int set(int32_t v) noexcept { return _mm256_set1_epi32(v); }
  static Int set64(int64_t v) noexcept { return _mm256_set1_epi64x(v); }
  /// 0, 1, 2, …
  static Int count() noexcept { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
  static Int load(const int32_t* p) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Int load_bytes(const uint8_t* p, size_t count) noexcept {
    uint64_t bytes = 0;
    if (count >= kLanes) {
      __builtin_memcpy(&bytes, p, kLanes);
    } else {
      __builtin_memcpy(&bytes, p, count);
    }
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(bytes)));
  }
  /// Masked stores only where they are needed: AMD's CPUs take 12 cycles and more for one.
  static void store(int32_t* p, Int v, size_t count) noexcept {
    if (count >= kLanes) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
    } else {
      _mm256_maskstore_epi32(p, first(count), v);
    }
  }
  static void store_bytes(uint8_t* p, Int v, size_t count) noexcept {
    const uint64_t bytes = low_bytes(v);
    if (count >= kLanes) {
      __builtin_memcpy(p, &bytes, kLanes);
    } else {
      __builtin_memcpy(p, &bytes, count);
    }
  }
  static Int add(Int a, Int b) noexcept { return _mm256_add_epi32(a, b); }
  static Int sub(Int a, Int b) noexcept { return _mm256_sub_epi32(a, b); }
  static Int mul_low(Int a, Int b) noexcept { return _mm256_mullo_epi32(a, b); }
  static Int min(Int a, Int b) noexcept { return _mm256_min_epi32(a, b); }
  static Int max(Int a, Int b) noexcept { return _mm256_max_epi32(a, b); }
  static Int bit_xor(Int a, Int b) noexcept { return _mm256_xor_si256(a, b); }
  static Int bit_and(Int a, Int b) noexcept { return _mm256_and_si256(a, b); }
  static Int shift_left(Int v, Int by) noexcept { return _mm256_sllv_epi32(v, by); }
  static Int shift_right(Int v, Int by) noexcept { return _mm256_srav_epi32(v, by); }
  template <int By>
  static Int logical_right(Int v) noexcept {
    return _mm256_srli_epi32(v, By);
  }
  static Mask greater(Int a, Int b) noexcept { return _mm256_cmpgt_epi32(a, b); }
  static Int select(Mask m, Int if_set, Int if_clear) noexcept {
    return _mm256_blendv_epi8(if_clear, if_set, m);
  }

  static Int mul_even(Int a, Int b) noexcept { return _mm256_mul_epi32(a, b); }
  static Int mul_even_unsigned(Int a, Int b) noexcept { return _mm256_mul_epu32(a, b); }
  static Int odd_to_even(Int v) noexcept { return _mm256_srli_epi64(v, 32); }
  static Int blend_odd(Int even, Int odd) noexcept { return _mm256_blend_epi32(even, odd, 0xAA); }
  static Int add64(Int a, Int b) noexcept { return _mm256_add_epi64(a, b); }
  static Int sub64(Int a, Int b) noexcept { return _mm256_sub_epi64(a, b); }
  template <int By>
  static Int left64(Int v) noexcept {
    return _mm256_slli_epi64(v, By);
  }
  template <int By>
  static Int logical_right64(Int v) noexcept {
    return _mm256_srli_epi64(v, By);
  }
  static Int shift_left64(Int v, Int by) noexcept { return _mm256_sllv_epi64(v, by); }
  /// Arithmetic, which AVX2 lacks: shift the value biased by 2^63, then take the bias out.
  static Int shift_right64(Int v, Int by) noexcept {
    const Int bias = set64(INT64_MIN);
    return sub64(_mm256_srlv_epi64(_mm256_xor_si256(v, bias), by), _mm256_srlv_epi64(bias, by));
  }
  static Int clear_lowest_bit_where_zero64(Int v, Int condition) noexcept {
    const Int zero = _mm256_cmpeq_epi64(condition, _mm256_setzero_si256());
    return _mm256_andnot_si256(_mm256_and_si256(zero, set64(1)), v);
  }

  static constexpr int kCodeVectors = 2;
  /// As Lanes16::Words.
  struct Words {
    __m256i words;

    template <int Vectors>
    explicit Words(const Int (&q)[Vectors]) noexcept
        : words(_mm256_permute4x64_epi64(_mm256_packs_epi32(q[0], q[Vectors - 1]), 0xD8)) {
      static_assert(Vectors <= 2);
    }

    void add(int16_t v) noexcept { words = _mm256_adds_epi16(words, _mm256_set1_epi16(v)); }
  };

  /// As Lanes16::CodeBytes.
  struct CodeBytes {
    __m128i lo, hi, flip;
    bool plain;
    CodeBytes(uint8_t low, uint8_t high, uint8_t xor_with) noexcept
        : lo(_mm_set1_epi8(static_cast<char>(low))),
          hi(_mm_set1_epi8(static_cast<char>(high))),
          flip(_mm_set1_epi8(static_cast<char>(xor_with))),
          plain(low == 0 && high == 255 && xor_with == 0) {}

    template <int Vectors>
    void store(uint8_t* out, const Int (&q)[Vectors], size_t columns) const noexcept {
      store(out, Words(q), columns);
    }

    void store(uint8_t* out, const Words& w, size_t columns) const noexcept {
      __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(w.words), _mm256_extracti128_si256(w.words, 1));
      if (!plain) bytes = _mm_xor_si128(_mm_min_epu8(_mm_max_epu8(bytes, lo), hi), flip);
      if (columns >= 16) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
      } else {
        alignas(16) uint8_t first[16];
        _mm_store_si128(reinterpret_cast<__m128i*>(first), bytes);
        __builtin_memcpy(out, first, columns);
      }
    }
  };
  static Int bits(Float v) noexcept { return _mm256_castps_si256(v); }

  static Float set(float v) noexcept { return _mm256_set1_ps(v); }
  static Float load(const float* p) noexcept { return _mm256_loadu_ps(p); }
  /// A copy rather than vmaskmovps, of which qemu reads the lanes behind the end too.
  static Float load_first(const float* p, size_t count, Float rest) noexcept {
    if (count >= kLanes) return load(p);
    alignas(32) float lanes[kLanes];
    _mm256_store_ps(lanes, rest);
    __builtin_memcpy(lanes, p, count * sizeof(float));
    return _mm256_load_ps(lanes);
  }
  static Float load_weights(const float* p) noexcept { return _mm256_load_ps(p); }
  static Float load_weights(const int8_t* p) noexcept {
    return to_float(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  static void store(float* p, Float v, size_t count) noexcept {
    if (count >= kLanes) {
      _mm256_storeu_ps(p, v);
    } else {
      _mm256_maskstore_ps(p, first(count), v);
    }
  }
  static Float add(Float a, Float b) noexcept { return _mm256_add_ps(a, b); }
  static Float mul(Float a, Float b) noexcept { return _mm256_mul_ps(a, b); }
  static Float div(Float a, Float b) noexcept { return _mm256_div_ps(a, b); }
  static Float sqrt(Float v) noexcept { return _mm256_sqrt_ps(v); }
  static Float min(Float a, Float b) noexcept { return _mm256_min_ps(a, b); }
  static Float max(Float a, Float b) noexcept { return _mm256_max_ps(a, b); }
  static Float limit(Float v, Float bound) noexcept {
    return min(max(v, _mm256_xor_ps(bound, set(-0.0F))), bound);
  }
  static Float multiply_add(Float a, Float b, Float c) noexcept { return _mm256_fmadd_ps(a, b, c); }
  static Float negative_multiply_add(Float a, Float b, Float c) noexcept { return _mm256_fnmadd_ps(a, b, c); }
  static Float to_float(Int v) noexcept { return _mm256_cvtepi32_ps(v); }
  static Int round(Float v) noexcept { return _mm256_cvtps_epi32(v); }

  static Mask no_nan() noexcept { return _mm256_setzero_si256(); }
  static Mask is_nan(Float v) noexcept { return either_is_nan(v, v); }
  static Mask either_is_nan(Float a, Float b) noexcept {
    return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_UNORD_Q));
  }
  static Mask either(Mask a, Mask b) noexcept { return _mm256_or_si256(a, b); }
  static bool any(Mask m) noexcept { return _mm256_movemask_epi8(m) != 0; }
  static Float zero_where(Mask m, Float v) noexcept { return _mm256_andnot_ps(_mm256_castsi256_ps(m), v); }

  static StoreVector select_store(const Epilogue& e) noexcept {
    return kernels::select_store<Lanes8, HalfUp, HalfEven, Gemmlowp>(e);
  }

 private:
  /// The low byte of each lane, in order.
  static uint64_t low_bytes(Int v) noexcept {
    const Int gather = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                        0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const Int bytes = _mm256_shuffle_epi8(v, gather);
    const auto low = static_cast<uint32_t>(_mm256_extract_epi32(bytes, 0));
    const auto high = static_cast<uint32_t>(_mm256_extract_epi32(bytes, 4));
    return low | static_cast<uint64_t>(high) << 32;
  }
};

constexpr size_t kRows = 6;
constexpr size_t kVectors = 2;

}  // namespace
}  // namespace requant::kernels
