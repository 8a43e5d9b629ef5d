// Four float64 lanes, from and to memory that holds float32.
#pragma once

#include <immintrin.h>

#include "kernels/shared/float_grid.h"

namespace requant::kernels {
namespace {

struct Doubles4 {
  using Vector = __m256d;
  using Mask = __m256d;  // all bits of a lane
  static constexpr size_t kLanes = 4;

  static Vector set(double v) noexcept { return _mm256_set1_pd(v); }
  static Vector load(const float* p) noexcept { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
  static void store(float* p, Vector v) noexcept { _mm_storeu_ps(p, _mm256_cvtpd_ps(v)); }
  static Vector add(Vector a, Vector b) noexcept { return _mm256_add_pd(a, b); }
  static Vector sub(Vector a, Vector b) noexcept { return _mm256_sub_pd(a, b); }
  static Vector mul(Vector a, Vector b) noexcept { return _mm256_mul_pd(a, b); }
  static Vector min(Vector a, Vector b) noexcept { return _mm256_min_pd(a, b); }
  static Vector max(Vector a, Vector b) noexcept { return _mm256_max_pd(a, b); }
  static Vector bit_and(Vector v, int64_t mask) noexcept { return _mm256_and_pd(v, of_bits(mask)); }
  static Vector add_bits(Vector v, int64_t bits) noexcept {
    return _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(v), _mm256_set1_epi64x(bits)));
  }
  static Vector magnitude(Vector v) noexcept { return bit_and(v, INT64_MAX); }
  static Vector exponent(Vector v) noexcept { return bit_and(v, INT64_C(0x7FF) << 52); }
  static Vector with_sign(Vector v, Vector sign) noexcept {
    return _mm256_or_pd(v, bit_and(sign, INT64_MIN));
  }

  static Mask no_nan() noexcept { return _mm256_setzero_pd(); }
  static Mask is_nan(Vector v) noexcept { return _mm256_cmp_pd(v, v, _CMP_UNORD_Q); }
  static Mask either(Mask a, Mask b) noexcept { return _mm256_or_pd(a, b); }
  static bool any(Mask m) noexcept { return _mm256_movemask_pd(m) != 0; }

 private:
  static Vector of_bits(int64_t bits) noexcept { return _mm256_castsi256_pd(_mm256_set1_epi64x(bits)); }
};

}  // namespace
}  // namespace requant::kernels
