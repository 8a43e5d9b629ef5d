// Eight float64 lanes, from and to memory that holds float32.
#pragma once

#include <immintrin.h>

#include "kernels/shared/float_grid.h"

namespace requant::kernels {
namespace {

struct Doubles8 {
  using Vector = __m512d;
  using Mask = __mmask8;
  static constexpr size_t kLanes = 8;

  static Vector set(double v) noexcept { return _mm512_set1_pd(v); }
  static Vector load(const float* p) noexcept { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
  static void store(float* p, Vector v) noexcept { _mm256_storeu_ps(p, _mm512_cvtpd_ps(v)); }
  static Vector add(Vector a, Vector b) noexcept { return _mm512_add_pd(a, b); }
  static Vector sub(Vector a, Vector b) noexcept { return _mm512_sub_pd(a, b); }
  static Vector mul(Vector a, Vector b) noexcept { return _mm512_mul_pd(a, b); }
  static Vector min(Vector a, Vector b) noexcept { return _mm512_min_pd(a, b); }
  static Vector max(Vector a, Vector b) noexcept { return _mm512_max_pd(a, b); }
  static Vector bit_and(Vector v, int64_t mask) noexcept {
    return _mm512_and_pd(v, _mm512_castsi512_pd(_mm512_set1_epi64(mask)));
  }
  static Vector add_bits(Vector v, int64_t bits) noexcept {
    return _mm512_castsi512_pd(_mm512_add_epi64(_mm512_castpd_si512(v), _mm512_set1_epi64(bits)));
  }
  static Vector magnitude(Vector v) noexcept { return _mm512_abs_pd(v); }
  static Vector exponent(Vector v) noexcept { return bit_and(v, INT64_C(0x7FF) << 52); }
  static Vector with_sign(Vector v, Vector sign) noexcept {
    return _mm512_or_pd(v, bit_and(sign, INT64_MIN));
  }

  static Mask no_nan() noexcept { return 0; }
  static Mask is_nan(Vector v) noexcept { return _mm512_cmp_pd_mask(v, v, _CMP_UNORD_Q); }
  static Mask either(Mask a, Mask b) noexcept { return static_cast<Mask>(a | b); }
  static bool any(Mask m) noexcept { return m != 0; }
};

}  // namespace
}  // namespace requant::kernels
