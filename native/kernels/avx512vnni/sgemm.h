// float32 product on the same 6 × 64 tile: 24 accumulators, one fused multiply-add chain an output.
//   per k: 4 loads + 6 broadcast loads, 24 vfmadd231ps (latency 4)
#pragma once

#include "kernels/avx512vnni/lanes.h"

namespace requant::kernels {
namespace {

__m512 load_weights(const float* w) noexcept { return _mm512_load_ps(w); }
__m512 load_weights(const int8_t* w) noexcept {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(w))));
}

template <int Rows, int Vectors, class Weight>
void stile(const SGemmPanel& p, size_t row) noexcept {
  const float* a = p.a + row * p.a_row_stride;
  const auto* w = static_cast<const Weight*>(p.weights);
  __m512 acc[Rows][Vectors];
  for (auto& r : acc) {
    for (auto& v : r) v = _mm512_setzero_ps();
  }
  for (size_t k = 0; k < p.k; ++k, w += Vectors * kLanes, a += p.a_k_stride) {
    __m512 weights[Vectors];
    for (int v = 0; v < Vectors; ++v) weights[v] = load_weights(w + v * kLanes);
    for (int r = 0; r < Rows; ++r) {
      const __m512 x = _mm512_set1_ps(a[r * p.a_row_stride]);
      for (int v = 0; v < Vectors; ++v) acc[r][v] = _mm512_fmadd_ps(x, weights[v], acc[r][v]);
    }
  }
  for (int v = 0; v < Vectors; ++v) {
    const size_t column = p.column + v * kLanes;
    const __mmask16 lanes = first_lanes(p.columns - v * kLanes);
    for (int r = 0; r < Rows; ++r) {
      __m512 y = acc[r][v];
      if (p.scale != nullptr) y = _mm512_mul_ps(y, _mm512_loadu_ps(p.scale + column));
      if (p.bias != nullptr) y = _mm512_add_ps(y, _mm512_loadu_ps(p.bias + column));
      _mm512_mask_storeu_ps(p.out + (row + r) * p.out_stride + v * kLanes, lanes, y);
    }
  }
}

using STileFn = void (*)(const SGemmPanel&, size_t) noexcept;

template <int Vectors, class Weight>
constexpr STileFn kSTilesOf[kRows] = {stile<1, Vectors, Weight>, stile<2, Vectors, Weight>,
                                      stile<3, Vectors, Weight>, stile<4, Vectors, Weight>,
                                      stile<5, Vectors, Weight>, stile<6, Vectors, Weight>};
template <class Weight>
constexpr const STileFn* kSTiles[kVectors] = {kSTilesOf<1, Weight>, kSTilesOf<2, Weight>, kSTilesOf<3, Weight>,
                                              kSTilesOf<4, Weight>};

template <class Weight>
void sgemm_6x64_avx512(const SGemmPanel& p) noexcept {
  const STileFn* tiles = kSTiles<Weight>[(p.columns + kLanes - 1) / kLanes - 1];
  for (size_t row = 0; row < p.rows;) {
    const size_t rows = tile_rows(p.rows - row);
    tiles[rows - 1](p, row);
    row += rows;
  }
}

}  // namespace
}  // namespace requant::kernels
