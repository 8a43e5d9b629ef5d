// int4 weights on AVX-512 VNNI.
//
//                 2 vectors × 32 columns of w (4 k each, two columns a byte)
//                ┌───────────────┬───────────────┐
//   4 rows of a  │ zmm low, high │ zmm low, high │  × 4 = 16 int32 accumulators of a group
//   (broadcast)  └───────────────┴───────────────┘  + 16 float32 sums over groups, few of which wait in
//   memory
//
//   per 4 k: 2 loads, 2 vpandd to decode, 4 broadcast loads, 16 vpdpbusd. With 6 rows all sums over groups
//   would wait in memory: 15 % slower at groups of 32. The float32 chains take longer for as many k, so that
//   the ends of groups weigh less: 6 rows.
#pragma once

#include "kernels/avx512vnni/qgemm.h"
#include "kernels/shared/int4_tiles.h"

namespace requant::kernels {
namespace {

struct Int4Dot : Dot {
  /// Both operands of dot are made of it: without the barrier g++ loads it twice, and loads are scarce.
  static __m512i load(const std::byte* p) noexcept {
    __m512i v = _mm512_loadu_si512(p);
    asm("" : "+v"(v));
    return v;
  }
  static __m512i low(__m512i v) noexcept { return _mm512_and_si512(v, _mm512_set1_epi8(0x0F)); }
  /// The byte itself, 16·w + low nibble: what the low nibble adds is taken out once a group.
  static __m512i high(__m512i v) noexcept { return v; }
  static __m512i high_sum(__m512i high, __m512i low) noexcept { return _mm512_sub_epi32(high, low); }
  static __m512i add_words(__m512i acc, __m512i by, __m512i words) noexcept {
    asm("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(words), "v"(by));
    return acc;
  }
  static __m512 upper(__m512i words) noexcept {
    return _mm512_castsi512_ps(_mm512_and_si512(words, _mm512_set1_epi32(static_cast<int32_t>(0xFFFF0000))));
  }
  /// By tables of the 16 values: the permutation looks at the index's low four bits only.
  template <int K>
  static __m512 low_weight(__m512i v) noexcept {
    const __m512 table = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    return _mm512_permutexvar_ps(K == 0 ? v : _mm512_srli_epi32(v, 8 * K), table);
  }
  template <int K>
  static __m512 high_weight(__m512i v) noexcept {
    const __m512 table = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
    return _mm512_permutexvar_ps(_mm512_srli_epi32(v, 8 * K + 4), table);
  }
};

constexpr size_t kInt4Vectors = 2;
constexpr size_t kInt4Rows = 4;
template <int Vectors>
constexpr const Int4TileFn* kInt4U8Of = kInt4TilesU8<Int4Dot, Vectors, 1, 2, 3, 4>;
template <int Vectors>
constexpr const Int4TileFn* kInt4F32Of = kInt4TilesF32<Int4Dot, Vectors, 1, 2, 3, 4, 5, 6>;
constexpr const Int4TileFn* kInt4U8[kInt4Vectors] = {kInt4U8Of<1>, kInt4U8Of<2>};
constexpr const Int4TileFn* kInt4F32[kInt4Vectors] = {kInt4F32Of<1>, kInt4F32Of<2>};

void int4_u8_4x64_avx512vnni(const Int4Panel& p) noexcept { int4_panel<Lanes16, kInt4Rows>(p, kInt4U8); }
void int4_f32_6x64_avx512(const Int4Panel& p) noexcept { int4_panel<Lanes16, kRows>(p, kInt4F32); }

constexpr Int4Kernel kInt4{{Lanes16::kLanes, kInt4Vectors}, int4_u8_4x64_avx512vnni, int4_f32_6x64_avx512};

}  // namespace
}  // namespace requant::kernels
