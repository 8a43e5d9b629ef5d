// Quantize and dequantize rows of any length: masked loads and stores, nothing is read beyond the end.
#pragma once

#include "kernels/avx2/lanes.h"

namespace requant::kernels {
namespace {

bool quantize(const QuantizeRow& q) noexcept {
  const __m256 lo = _mm256_set1_ps(static_cast<float>(q.lo - q.zero_point));
  const __m256 hi = _mm256_set1_ps(static_cast<float>(q.hi - q.zero_point));
  const __m256i zero_point = _mm256_set1_epi32(q.zero_point);
  const __m256 common = _mm256_set1_ps(q.scale[0]);
  __m256 nan = _mm256_setzero_ps();
  for (size_t i = 0; i < q.count; i += kLanes) {
    const __m256i lanes = first_lanes(q.count - i);
    const __m256 x = _mm256_maskload_ps(q.x + i, lanes);
    // Lanes beyond the end divide by the common scale: 0 / 0 would raise the invalid flag for nothing.
    const __m256 scale = q.scale_per_value ? _mm256_blendv_ps(common, _mm256_maskload_ps(q.scale + i, lanes),
                                                              _mm256_castsi256_ps(lanes))
                                           : common;
    const __m256 unordered = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
    nan = _mm256_or_ps(nan, unordered);
    const __m256 quotient = _mm256_min_ps(_mm256_max_ps(_mm256_div_ps(x, scale), lo), hi);
    const __m256i rounded = _mm256_cvtps_epi32(_mm256_andnot_ps(unordered, quotient));
    store_low_bytes(q.out + i, _mm256_add_epi32(rounded, zero_point), q.count - i);
  }
  return _mm256_movemask_ps(nan) != 0;
}

void dequantize(const DequantizeRow& d) noexcept {
  const __m256 scale = _mm256_set1_ps(d.scale);
  const __m256i zero_point = _mm256_set1_epi32(d.zero_point);
  for (size_t i = 0; i < d.count; i += kLanes) {
    uint64_t bytes = 0;
    if (d.count - i >= kLanes) {
      __builtin_memcpy(&bytes, d.codes + i, kLanes);
    } else {
      __builtin_memcpy(&bytes, d.codes + i, d.count - i);
    }
    const __m256i codes = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(bytes)));
    const __m256 difference = _mm256_cvtepi32_ps(_mm256_sub_epi32(codes, zero_point));
    _mm256_maskstore_ps(d.out + i, first_lanes(d.count - i), _mm256_mul_ps(scale, difference));
  }
}

}  // namespace
}  // namespace requant::kernels
