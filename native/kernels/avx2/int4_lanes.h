// What the int4 products of AVX2 and AVX-VNNI share: loads, and weights as float32.
#pragma once

#include "kernels/avx2/lanes.h"
#include "kernels/shared/int4_tiles.h"

namespace requant::kernels {
namespace {

struct Int4Lanes8 {
  using V = Lanes8;

  static __m256i load(const std::byte* p) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static __m256i low(__m256i v) noexcept { return _mm256_and_si256(v, _mm256_set1_epi8(0x0F)); }
  static __m256i add_words(__m256i acc, __m256i by, __m256i words) noexcept {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(words, by));
  }
  static __m256 upper(__m256i words) noexcept {
    return _mm256_castsi256_ps(_mm256_and_si256(words, _mm256_set1_epi32(static_cast<int32_t>(0xFFFF0000))));
  }
  template <int K>
  static __m256 low_weight(__m256i v) noexcept {
    const __m256i nibble = _mm256_and_si256(_mm256_srli_epi32(v, 8 * K), _mm256_set1_epi32(0x0F));
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(nibble, _mm256_set1_epi32(Int4Layout::kOffset)));
  }
  template <int K>
  static __m256 high_weight(__m256i v) noexcept {
    return _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(v, 24 - 8 * K), 28));
  }
};

constexpr size_t kInt4Vectors = 2;
constexpr size_t kInt4Rows = 3;
constexpr Int4Layout kInt4Layout{Lanes8::kLanes, kInt4Vectors};

template <class D>
constexpr const Int4TileFn* kInt4U8[kInt4Vectors] = {kInt4TilesU8<D, 1, 1, 2, 3>,
                                                     kInt4TilesU8<D, 2, 1, 2, 3>};
constexpr const Int4TileFn* kInt4F32[kInt4Vectors] = {kInt4TilesF32<Int4Lanes8, 1, 1, 2, 3>,
                                                      kInt4TilesF32<Int4Lanes8, 2, 1, 2, 3>};

template <class D>
void int4_u8_3x32(const Int4Panel& p) noexcept {
  int4_panel<Lanes8, kInt4Rows>(p, kInt4U8<D>);
}
[[maybe_unused]] void int4_f32_3x32_avx2(const Int4Panel& p) noexcept {
  int4_panel<Lanes8, kInt4Rows>(p, kInt4F32);
}

template <class D>
constexpr Int4Kernel kInt4{kInt4Layout, int4_u8_3x32<D>, int4_f32_3x32_avx2};
/// Without what is the same on AVX2 and AVX-VNNI.
template <class D>
constexpr Int4Kernel kInt4Codes{kInt4Layout, int4_u8_3x32<D>, nullptr};

}  // namespace
}  // namespace requant::kernels
