// Quantize and dequantize rows of any length: masked loads and stores, nothing is read beyond the end.
#pragma once

#include "kernels/avx512vnni/lanes.h"

namespace requant::kernels {
namespace {

bool quantize(const QuantizeRow& q) noexcept {
  const __m512 lo = _mm512_set1_ps(static_cast<float>(q.lo - q.zero_point));
  const __m512 hi = _mm512_set1_ps(static_cast<float>(q.hi - q.zero_point));
  const __m512i zero_point = _mm512_set1_epi32(q.zero_point);
  const __m512 common = _mm512_set1_ps(q.scale[0]);
  __mmask16 nan = 0;
  for (size_t i = 0; i < q.count; i += kLanes) {
    const __mmask16 lanes = first_lanes(q.count - i);
    const __m512 x = _mm512_maskz_loadu_ps(lanes, q.x + i);
    const __m512 scale =
        q.scale_per_value ? _mm512_mask_loadu_ps(common, lanes, q.scale + i) : common;
    const __mmask16 unordered = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    nan = static_cast<__mmask16>(nan | unordered);
    const __m512 quotient = _mm512_min_ps(_mm512_max_ps(_mm512_div_ps(x, scale), lo), hi);
    const __m512i rounded = _mm512_maskz_cvtps_epi32(static_cast<__mmask16>(~unordered), quotient);
    _mm_mask_storeu_epi8(q.out + i, lanes, _mm512_cvtepi32_epi8(_mm512_add_epi32(rounded, zero_point)));
  }
  return nan != 0;
}

void dequantize(const DequantizeRow& d) noexcept {
  const __m512 scale = _mm512_set1_ps(d.scale);
  const __m512i zero_point = _mm512_set1_epi32(d.zero_point);
  for (size_t i = 0; i < d.count; i += kLanes) {
    const __mmask16 lanes = first_lanes(d.count - i);
    const __m512i codes = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(lanes, d.codes + i));
    const __m512 difference = _mm512_cvtepi32_ps(_mm512_sub_epi32(codes, zero_point));
    _mm512_mask_storeu_ps(d.out + i, lanes, _mm512_mul_ps(scale, difference));
  }
}

}  // namespace
}  // namespace requant::kernels
