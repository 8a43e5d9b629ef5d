// AVX-512 VNNI: vpdpbusd, u8 × s8 → int32, four k a lane.
//
//                 4 vectors × 16 columns of w (4 k each)
//                ┌────────┬────────┬────────┬────────┐
//   6 rows of a  │ zmm    │ zmm    │ zmm    │ zmm    │  × 6 = 24 accumulators
//   (broadcast)  └────────┴────────┴────────┴────────┘  + 4 weights + 1 broadcast = 29 of 32 registers
//
//   per 4 k: 4 loads + 6 broadcast loads, 24 vpdpbusd. vpdpbusd: latency 4 (Zen 5: 2 a cycle, so ≥ 8 chains;
//   Zen 4: 1 a cycle; Ice Lake: p0 (p5), latency 5). One row alone keeps several chains over k in flight
//   instead.
#pragma once

#include "kernels/avx512vnni/lanes.h"

namespace requant::kernels {
namespace {

/// Columns of the accumulator array that a tile fills.
constexpr size_t kColumns = kVectors * Lanes16::kLanes;

/// As an intrinsic g++ 12 copies and spills the accumulators of this loop; the instruction itself does not.
/// By value: an array element as an operand would keep the array in memory.
__m512i dpbusd(__m512i acc, __m512i u8, __m512i s8) noexcept {
  asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(u8), "v"(s8));
  return acc;
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

/// acc[r][v] += Σ of four k, for all rows and vectors; `a(r)` is the broadcast of row r's four values.
template <int Rows, int Vectors, class Broadcast>
[[gnu::always_inline]] inline void qstep(__m512i (*acc)[Vectors], const int8_t* w, Broadcast a) noexcept {
  __m512i weights[Vectors];
  for (int v = 0; v < Vectors; ++v) weights[v] = _mm512_load_si512(w + v * 64);
  for (int r = 0; r < Rows; ++r) {
    const __m512i x = a(r);
    for (int v = 0; v < Vectors; ++v) acc[r][v] = dpbusd(acc[r][v], x, weights[v]);
  }
}

template <int Rows, int Vectors>
void qtile(const uint8_t* a, size_t a_stride, const int8_t* w, size_t k, int32_t* out) noexcept {
  // One or two rows would wait for their own latency: several partial sums, added at the end (integers: same
  // bits).
  constexpr int kChains = Rows == 1 ? 4 : Rows == 2 ? 2 : 1;
  constexpr size_t kStep = Vectors * 64;
  __m512i acc[kChains * Rows][Vectors];
  for (auto& row : acc) {
    for (auto& v : row) v = _mm512_setzero_si512();
  }
  size_t i = 0;
  for (; i + 4 * kChains <= k; i += 4 * kChains) {
    for (int chain = 0; chain < kChains; ++chain, w += kStep) {
      qstep<Rows>(acc + chain * Rows, w, [&](int r) { return broadcast4(a + r * a_stride + i + 4 * chain); });
    }
  }
  if constexpr (kChains > 1) {
    for (; i + 4 <= k; i += 4, w += kStep) {
      qstep<Rows>(acc, w, [&](int r) { return broadcast4(a + r * a_stride + i); });
    }
  }
  if (i < k) qstep<Rows>(acc, w, [&](int r) { return broadcast_tail(a + r * a_stride + i, k - i); });
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      __m512i sum = acc[r][v];
      for (int chain = 1; chain < kChains; ++chain) sum = _mm512_add_epi32(sum, acc[chain * Rows + r][v]);
      _mm512_store_si512(out + r * kColumns + v * Lanes16::kLanes, sum);
    }
  }
}

template <int Vectors>
constexpr QTileFn kQTilesOf[kRows] = {qtile<1, Vectors>, qtile<2, Vectors>, qtile<3, Vectors>,
                                      qtile<4, Vectors>, qtile<5, Vectors>, qtile<6, Vectors>};
constexpr const QTileFn* kQTiles[kVectors] = {kQTilesOf<1>, kQTilesOf<2>, kQTilesOf<3>, kQTilesOf<4>};

void qgemm_6x64_avx512vnni(const QGemmPanel& p) noexcept {
  qgemm_panel<Lanes16, kRows, kVectors>(p, kQTiles);
}

}  // namespace
}  // namespace requant::kernels
