// float32 product on the same 6 × 16 tile: 12 accumulators, one fused multiply-add chain an output.
//   per k: 2 loads + 6 broadcast loads, 12 vfmadd231ps (latency 4, two a cycle: ≥ 8 chains)
#pragma once

#include "kernels/avx2/lanes.h"

namespace requant::kernels {
namespace {

__m256 load_weights(const float* w) noexcept { return _mm256_load_ps(w); }
__m256 load_weights(const int8_t* w) noexcept {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(w))));
}

template <int Rows, int Vectors, class Weight>
void stile(const SGemmPanel& p, size_t row) noexcept {
  const float* a = p.a + row * p.a_row_stride;
  const auto* w = static_cast<const Weight*>(p.weights);
  __m256 acc[Rows][Vectors];
  for (auto& r : acc) {
    for (auto& v : r) v = _mm256_setzero_ps();
  }
  for (size_t k = 0; k < p.k; ++k, w += Vectors * kLanes, a += p.a_k_stride) {
    __m256 weights[Vectors];
    for (int v = 0; v < Vectors; ++v) weights[v] = load_weights(w + v * kLanes);
    for (int r = 0; r < Rows; ++r) {
      const __m256 x = _mm256_set1_ps(a[r * p.a_row_stride]);
      for (int v = 0; v < Vectors; ++v) acc[r][v] = _mm256_fmadd_ps(x, weights[v], acc[r][v]);
    }
  }
  for (int v = 0; v < Vectors; ++v) {
    const size_t column = p.column + v * kLanes;
    const __m256i lanes = first_lanes(p.columns - v * kLanes);
    for (int r = 0; r < Rows; ++r) {
      __m256 y = acc[r][v];
      if (p.scale != nullptr) y = _mm256_mul_ps(y, _mm256_loadu_ps(p.scale + column));
      if (p.bias != nullptr) y = _mm256_add_ps(y, _mm256_loadu_ps(p.bias + column));
      _mm256_maskstore_ps(p.out + (row + r) * p.out_stride + v * kLanes, lanes, y);
    }
  }
}

using STileFn = void (*)(const SGemmPanel&, size_t) noexcept;

template <int Vectors, class Weight>
constexpr STileFn kSTilesOf[kRows] = {stile<1, Vectors, Weight>, stile<2, Vectors, Weight>,
                                      stile<3, Vectors, Weight>, stile<4, Vectors, Weight>,
                                      stile<5, Vectors, Weight>, stile<6, Vectors, Weight>};
template <class Weight>
constexpr const STileFn* kSTiles[kVectors] = {kSTilesOf<1, Weight>, kSTilesOf<2, Weight>};

template <class Weight>
void sgemm_6x16_avx2(const SGemmPanel& p) noexcept {
  const STileFn* tiles = kSTiles<Weight>[(p.columns + kLanes - 1) / kLanes - 1];
  for (size_t row = 0; row < p.rows;) {
    const size_t rows = tile_rows(p.rows - row);
    tiles[rows - 1](p, row);
    row += rows;
  }
}

}  // namespace
}  // namespace requant::kernels
