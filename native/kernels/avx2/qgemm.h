// AVX2, exact: both sides widened to int16, vpmaddwd (two k a lane, cannot overflow: 2 · 255 · 128 < 2^31),
// vpaddd. vpmaddubsw would saturate at int16 and is not used.
//
//                 2 vectors × 8 columns of w (2 k each)
//                ┌────────┬────────┐
//   6 rows of a  │ ymm    │ ymm    │  × 6 = 12 accumulators
//   (broadcast)  └────────┴────────┘  + 2 weights + 1 broadcast + 1 product = 16 registers
//
//   per 2 k: 2 vpmovsxbw loads + 6 broadcast loads, 12 vpmaddwd + 12 vpaddd for 192 MAC: ALU bound.
//   Rows of a are widened into a buffer on the stack: once for all panels of a group, or, where k is longer
//   than the buffer, once a panel, piece by piece.
#pragma once

#include "kernels/avx2/lanes.h"

namespace requant::kernels {
namespace {

constexpr PanelLayout kPanel{Lanes8::kLanes, kVectors, 2};

/// Values of k that the buffer holds of each row.
constexpr size_t kChunk = 1024;

/// A tile's rows as int16; each ends in a zero, so that an odd k can be read as pairs.
struct WideRows {
  alignas(32) int16_t row[kRows][kChunk + 16];
};

/// u8 → int16
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

/// acc[r][v] += Σ over `count` values of k. Not unrolled: all 16 registers are in use, and g++ would spill
/// to load ahead.
template <int Rows, int Vectors>
[[gnu::always_inline]] inline const int8_t* accumulate(const WideRows& wide, const int8_t* w, size_t count,
                                                       __m256i (&acc)[Rows][Vectors]) noexcept {
  for (size_t k = 0; k < count; k += 2, w += Vectors * 16) {
    __m256i weights[Vectors];
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      weights[v] = _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(w + v * 16)));
    });
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      const __m256i x = broadcast2(wide.row[r] + k);
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        acc[r][v] = _mm256_add_epi32(acc[r][v], _mm256_madd_epi16(x, weights[v]));
      });
    });
  }
  return w;
}

/// `ready`: the buffer holds these rows already (k ≤ kChunk).
template <int Rows, int Vectors>
[[gnu::flatten]] void qtile(const QGemmPanel& p, size_t row, WideRows& wide, bool ready) noexcept {
  const Bias<Lanes8, Vectors> bias(p);
  const uint8_t* a = p.a + row * p.a_stride;
  const int8_t* w = p.weights;
  __m256i acc[Rows][Vectors];
  unroll<Rows>([&](auto r) __attribute__((always_inline)) {
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) { acc[r][v] = bias.of[v]; });
  });
  for (size_t start = 0; start < p.k; start += kChunk) {
    const size_t count = minimum(kChunk, p.k - start);
    for (int r = 0; r < Rows && !ready; ++r) widen(a + r * p.a_stride + start, count, wide.row[r]);
    w = accumulate(wide, w, count, acc);
  }
  Tile<Lanes8, Rows, Vectors>{p, row, acc}.finish();
}

using WideTileFn = void (*)(const QGemmPanel&, size_t row, WideRows&, bool ready) noexcept;

template <int Vectors>
constexpr WideTileFn kWideTiles[kRows] = {qtile<1, Vectors>, qtile<2, Vectors>, qtile<3, Vectors>,
                                          qtile<4, Vectors>, qtile<5, Vectors>, qtile<6, Vectors>};
constexpr const WideTileFn* kTilesOf[kVectors] = {kWideTiles<1>, kWideTiles<2>};

void qgemm_6x16_avx2(const QGemmPanel& p) noexcept {
  WideRows wide;
  for (size_t row = 0; row < p.rows;) {
    const size_t rows = tile_rows(p.rows - row, kRows);
    for (size_t first = 0; first < p.columns; first += kPanel.columns()) {
      const QGemmPanel panel = panel_of(p, kPanel, first / kPanel.columns());
      const bool ready = first > 0 && p.k <= kChunk;
      kTilesOf[vectors_for(panel.columns, Lanes8::kLanes) - 1][rows - 1](panel, row, wide, ready);
    }
    row += rows;
  }
}

/// Register-only: ten chains.
uint64_t peak_int8(uint64_t steps) noexcept {
  constexpr int kChains = 10;
  __m256i acc[kChains] = {};
  const __m256i x = _mm256_set1_epi16(1);
  for (uint64_t i = 0; i < steps; ++i) {
    for (auto& a : acc) {
      __m256i product;
      asm volatile("vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(a), "=&x"(product) : "x"(x));
    }
  }
  return steps * kChains * 16;
}

}  // namespace
}  // namespace requant::kernels
