// AVX2, exact: both sides widened to int16, vpmaddwd (two k a lane, cannot overflow: 2 · 255 · 128 < 2^31),
// vpaddd. vpmaddubsw would saturate at int16 and is not used.
//
//                 2 vectors × 8 columns of w (2 k each)
//                ┌────────┬────────┐
//   6 rows of a  │ ymm    │ ymm    │  × 6 = 12 accumulators
//   (broadcast)  └────────┴────────┘  + 2 weights + 1 broadcast + 1 product = 16 registers
//
//   per 2 k: 2 vpmovsxbw loads + 6 broadcast loads, 12 vpmaddwd + 12 vpaddd for 192 MAC: ALU bound.
//   Rows of a are widened once a panel into a small buffer on the stack, kChunk values of k at a time.
#pragma once

#include "kernels/avx2/lanes.h"

namespace requant::kernels {
namespace {

constexpr size_t kChunk = 256;

/// u8 → int16; an odd count gets one zero more, so that pairs can be read.
void widen(const uint8_t* a, size_t count, int16_t* out) noexcept {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i));
    _mm256_store_si256(reinterpret_cast<__m256i*>(out + i), _mm256_cvtepu8_epi16(bytes));
  }
  for (; i < count; ++i) out[i] = a[i];
  out[count] = 0;
}

__m256i broadcast2(const int16_t* pair) noexcept {
  int32_t both;
  __builtin_memcpy(&both, pair, 4);
  return _mm256_set1_epi32(both);
}

template <int Rows, int Vectors>
void qtile(const QGemmPanel& p, size_t row) noexcept {
  alignas(32) int16_t wide[Rows][kChunk + 32];
  const Bias<Lanes8, Vectors> bias(p);
  const uint8_t* a = p.a + row * p.a_stride;
  const int8_t* w = p.weights;
  __m256i acc[Rows][Vectors];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) acc[r][v] = bias.of[v];
  }
  for (size_t start = 0; start < p.k; start += kChunk) {
    const size_t count = minimum(kChunk, p.k - start);
    for (int r = 0; r < Rows; ++r) widen(a + r * p.a_stride + start, count, wide[r]);
    for (size_t i = 0; i < count; i += 2, w += Vectors * 16) {
      __m256i weights[Vectors];
      for (int v = 0; v < Vectors; ++v) {
        weights[v] = _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(w + v * 16)));
      }
      for (int r = 0; r < Rows; ++r) {
        const __m256i x = broadcast2(wide[r] + i);
        for (int v = 0; v < Vectors; ++v) {
          acc[r][v] = _mm256_add_epi32(acc[r][v], _mm256_madd_epi16(x, weights[v]));
        }
      }
    }
  }
  Tile<Lanes8, Rows, Vectors>{p, row, acc}.finish();
}

template <int Vectors>
constexpr QTileFn kTiles[kRows] = {qtile<1, Vectors>, qtile<2, Vectors>, qtile<3, Vectors>,
                                   qtile<4, Vectors>, qtile<5, Vectors>, qtile<6, Vectors>};
constexpr const QTileFn* kTilesOf[kVectors] = {kTiles<1>, kTiles<2>};

void qgemm_6x16_avx2(const QGemmPanel& p) noexcept {
  run_tiles(p, kTilesOf[vectors_for(p.columns, Lanes8::kLanes) - 1], kRows);
}

}  // namespace
}  // namespace requant::kernels
