// int4 weights on AVX-VNNI.
//
//                 2 vectors × 16 columns of w (4 k each, two columns a byte)
//                ┌───────────────┬───────────────┐
//   3 rows of a  │ ymm low, high │ ymm low, high │  × 3 = 12 int32 accumulators of a group
//   (broadcast)  └───────────────┴───────────────┘
//
//   The float32 sums over groups wait in memory. Wide rather than high: int4 is for one row.
//   per 4 k: 2 loads, 2 vpand to decode, 3 broadcast loads, 12 vpdpbusd.
#pragma once

#include "kernels/avx2/int4_lanes.h"
#include "kernels/avxvnni/qgemm.h"

namespace requant::kernels {
namespace {

template <class Encoding>
struct Int4Vnni : Int4Lanes8, Encoding {
  /// The byte itself, 16·w + low nibble: what the low nibble adds is taken out once a group.
  static __m256i high(__m256i v) noexcept { return v; }
  static __m256i high_sum(__m256i high, __m256i low) noexcept { return _mm256_sub_epi32(high, low); }
};

}  // namespace
}  // namespace requant::kernels
