// AVX-512 VNNI: vpdpbusd, u8 × s8 → int32, four k a lane.
//
//                 4 vectors × 16 columns of w (4 k each)
//                ┌────────┬────────┬────────┬────────┐
//   6 rows of a  │ zmm    │ zmm    │ zmm    │ zmm    │  × 6 = 24 accumulators
//   (broadcast)  └────────┴────────┴────────┴────────┘  + 4 weights + 1 broadcast = 29 of 32 registers
//
//   per 4 k: 4 loads + 6 broadcast loads, 24 vpdpbusd. vpdpbusd: latency 4 (Zen 5: 2 a cycle, so ≥ 8 chains;
//   Zen 4: 1 a cycle; Ice Lake: p0 (p5), latency 5). One row alone keeps several chains over k in flight instead.
#pragma once

#include "kernels/avx512vnni/epilogue.h"

namespace requant::kernels {
namespace {

/// As an intrinsic g++ 12 copies and spills the accumulators of this loop; the instruction itself does not.
void dpbusd(__m512i& acc, __m512i u8, __m512i s8) noexcept {
  asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(u8), "v"(s8));
}

__m512i broadcast4(const uint8_t* a) noexcept {
  int32_t four;
  __builtin_memcpy(&four, a, 4);
  return _mm512_set1_epi32(four);
}

/// The last 1–3 values of a row, padded with zeros: reading four could leave the buffer.
__m512i broadcast_tail(const uint8_t* a, size_t count) noexcept {
  uint32_t four = a[0];
  if (count > 1) four |= static_cast<uint32_t>(a[1]) << 8;
  if (count > 2) four |= static_cast<uint32_t>(a[2]) << 16;
  return _mm512_set1_epi32(static_cast<int32_t>(four));
}

template <int Rows, int Vectors>
struct QTile {
  // A single row would wait for its own latency: several partial sums, added at the end (integers: same bits).
  static constexpr int kChains = Rows == 1 ? 4 : Rows == 2 ? 2 : 1;
  __m512i acc[kChains][Rows][Vectors];

  void step(int chain, const int8_t* w, const __m512i (&a)[Rows]) noexcept {
    for (int v = 0; v < Vectors; ++v) {
      const __m512i weights = _mm512_load_si512(w + v * 64);
      for (int r = 0; r < Rows; ++r) dpbusd(acc[chain][r][v], a[r], weights);
    }
  }

  void run(const uint8_t* a, size_t a_stride, const int8_t* w, size_t k, int32_t* out) noexcept {
    for (auto& chain : acc) {
      for (auto& row : chain) {
        for (auto& v : row) v = _mm512_setzero_si512();
      }
    }
    constexpr size_t kStep = Vectors * 64;
    size_t i = 0;
    __m512i x[Rows];
    if constexpr (kChains > 1) {
      for (; i + 4 * kChains <= k; i += 4 * kChains) {
        for (int chain = 0; chain < kChains; ++chain) {
          for (int r = 0; r < Rows; ++r) x[r] = broadcast4(a + r * a_stride + i + 4 * chain);
          step(chain, w, x);
          w += kStep;
        }
      }
    }
    for (; i + 4 <= k; i += 4, w += kStep) {
      for (int r = 0; r < Rows; ++r) x[r] = broadcast4(a + r * a_stride + i);
      step(0, w, x);
    }
    if (i < k) {
      for (int r = 0; r < Rows; ++r) x[r] = broadcast_tail(a + r * a_stride + i, k - i);
      step(0, w, x);
    }
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < Vectors; ++v) {
        __m512i sum = acc[0][r][v];
        for (int chain = 1; chain < kChains; ++chain) sum = _mm512_add_epi32(sum, acc[chain][r][v]);
        _mm512_store_si512(out + r * kColumns + v * kLanes, sum);
      }
    }
  }
};

template <int Rows, int Vectors>
void qtile(const uint8_t* a, size_t a_stride, const int8_t* w, size_t k, int32_t* out) noexcept {
  QTile<Rows, Vectors>{}.run(a, a_stride, w, k, out);
}

using QTileFn = void (*)(const uint8_t*, size_t, const int8_t*, size_t, int32_t*) noexcept;

template <int Vectors>
constexpr QTileFn kQTilesOf[kRows] = {qtile<1, Vectors>, qtile<2, Vectors>, qtile<3, Vectors>,
                                      qtile<4, Vectors>, qtile<5, Vectors>, qtile<6, Vectors>};
constexpr const QTileFn* kQTiles[kVectors] = {kQTilesOf<1>, kQTilesOf<2>, kQTilesOf<3>, kQTilesOf<4>};

void qgemm_6x64_avx512vnni(const QGemmPanel& p) noexcept {
  alignas(64) int32_t acc[kRows * kColumns];
  const QTileFn* tiles = kQTiles[(p.columns + kLanes - 1) / kLanes - 1];
  for (size_t row = 0; row < p.rows;) {
    const size_t rows = tile_rows(p.rows - row);
    tiles[rows - 1](p.a + row * p.a_stride, p.a_stride, p.weights, p.k, acc);
    auto* out = static_cast<uint8_t*>(p.out) + row * p.out_stride * output_bytes(p.epilogue->output);
    store_tile(*p.epilogue, {acc, kColumns, row, rows, p.column, p.columns, out, p.out_stride});
    row += rows;
  }
}

}  // namespace
}  // namespace requant::kernels
