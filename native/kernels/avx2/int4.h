// int4 weights on AVX2: vpmaddubsw cannot saturate here, 2 · 255 · 22 < 2^15.
//
//                 2 vectors × 16 columns of w (4 k each, two columns a byte)
//                ┌───────────────┬───────────────┐
//   3 rows of a  │ ymm low, high │ ymm low, high │  × 3 = 12 int32 accumulators of a group
//   (broadcast)  └───────────────┴───────────────┘
//
//   The float32 sums over groups wait in memory. Wide rather than high: int4 is for one row.
//   per 4 k: 2 loads, 10 operations to decode, 3 broadcast loads, 12 × (vpmaddubsw, vpmaddwd, vpaddd).
#pragma once

#include "kernels/avx2/int4_lanes.h"

namespace requant::kernels {
namespace {

struct Int4Avx2 : Int4Lanes8 {
  /// w of the high nibble + low nibble; 16·w as elsewhere could saturate a pair. What the low nibble adds is
  /// taken out once a group.
  static __m256i high(__m256i v) noexcept {
    const __m256i value = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1,  //
                                           0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
    return _mm256_add_epi8(_mm256_shuffle_epi8(value, low(_mm256_srli_epi16(v, 4))), low(v));
  }
  static __m256i dot(__m256i acc, __m256i u8, __m256i s8) noexcept {
    const __m256i pairs = _mm256_maddubs_epi16(u8, s8);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static __m256i high_sum(__m256i high, __m256i low) noexcept {
    return _mm256_slli_epi32(_mm256_sub_epi32(high, low), 4);
  }
};

}  // namespace
}  // namespace requant::kernels
