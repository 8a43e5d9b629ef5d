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
//
//                 up to 4 vectors × 4 columns of w (16 k each): a last panel of at most 16 columns
//                ┌────────┬────────┬────────┬────────┐
//   6 rows of a  │ zmm    │ zmm    │ zmm    │ zmm    │  per 16 k: as above, for a quarter of the columns;
//   (16 k each)  └────────┴────────┴────────┴────────┘  each column's four partial sums are added at the end;
//                                                       one vector alone: 8 rows, added four rows at a time
#pragma once

#include "kernels/avx512vnni/lanes.h"
#include "kernels/shared/dot_tiles.h"

namespace requant::kernels {
namespace {

struct Dot {
  using V = Lanes16;

  /// As an intrinsic g++ 12 copies and spills the accumulators of the loop; the instruction itself does not.
  /// By value: an array element as an operand would keep the array in memory.
  static __m512i dot(__m512i acc, __m512i u8, __m512i s8) noexcept {
    asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(u8), "v"(s8));
    return acc;
  }
  static __m512i load(const int8_t* w) noexcept { return _mm512_load_si512(w); }
};

using Wide = FourDeep<Lanes16>;

/// Sixteen k of a row, four in each lane of a column.
struct Narrow {
  static constexpr size_t kStep = 16;

  static __m512i broadcast(const uint8_t* a) noexcept {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a)));
  }
  static __m512i broadcast_tail(const uint8_t* a, size_t count) noexcept {
    return _mm512_broadcast_i32x4(_mm_maskz_loadu_epi8(static_cast<__mmask16>((1U << count) - 1), a));
  }
};

/// Adds the four partial sums of each of 4 · Vectors columns (4 lanes beside each other) → one vector.
template <int Vectors>
__m512i add_partial_sums(const __m512i (&acc)[Vectors]) noexcept {
  const __m512i zero = _mm512_setzero_si512();
  const auto at = [&](int v) { return v < Vectors ? acc[v < Vectors ? v : 0] : zero; };
  const auto pair = [](__m512i a, __m512i b) {
    return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  };
  const __m512i low = pair(at(0), at(1));
  const __m512i high = pair(at(2), at(3));
  // 128-bit lane i holds column i of each of the four vectors.
  const __m512i sums = _mm512_add_epi32(_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, sums);
}

template <int Rows, int Vectors>
[[gnu::flatten]] void qtile_narrow(const QGemmPanel& p, size_t row) noexcept {
  __m512i partial[Rows][Vectors];
  unroll<Rows>([&](auto r) __attribute__((always_inline)) {
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) { partial[r][v] = _mm512_setzero_si512(); });
  });
  accumulate<Dot, Narrow>(p, row, partial);
  const Bias<Lanes16, 1> bias(p);
  __m512i acc[Rows][1];
  unroll<Rows>([&](auto r) __attribute__((always_inline)) {
    acc[r][0] = _mm512_add_epi32(add_partial_sums(partial[r]), bias.of[0]);
  });
  Tile<Lanes16, Rows, 1>{p, row, acc}.finish();
}

/// Up to four columns: four rows at a time take the place of four vectors of columns in the reduction.
template <int Rows>
[[gnu::flatten]] void qtile_few_columns(const QGemmPanel& p, size_t row) noexcept {
  __m512i partial[Rows][1];
  unroll<Rows>([&](auto r) __attribute__((always_inline)) { partial[r][0] = _mm512_setzero_si512(); });
  accumulate<Dot, Narrow>(p, row, partial);
  const __m512i bias = _mm512_broadcast_i32x4(_mm512_castsi512_si128(Bias<Lanes16, 1>(p).of[0]));
  __m512i acc[Rows][1];
  unroll<(Rows + 3) / 4>([&](auto group) __attribute__((always_inline)) {
    constexpr int kFirst = 4 * decltype(group)::value;
    constexpr int kCount = Rows - kFirst < 4 ? Rows - kFirst : 4;
    __m512i rows[kCount];
    unroll<kCount>([&](auto r) __attribute__((always_inline)) { rows[r] = partial[kFirst + r][0]; });
    const __m512i sums = _mm512_add_epi32(add_partial_sums(rows), bias);
    unroll<kCount>([&](auto r) __attribute__((always_inline)) {
      constexpr int kLane = decltype(r)::value;
      acc[kFirst + r][0] = _mm512_castsi128_si512(_mm512_extracti32x4_epi32(sums, kLane));
    });
  });
  Tile<Lanes16, Rows, 1>{p, row, acc}.finish();
}

constexpr PanelLayout kWidePanel{Lanes16::kLanes, kVectors, Wide::kStep};
constexpr PanelLayout kNarrowPanel{4, 4, Narrow::kStep};

template <int Vectors>
constexpr QTileFn kNarrowTiles[kRows] = {qtile_narrow<1, Vectors>, qtile_narrow<2, Vectors>,
                                         qtile_narrow<3, Vectors>, qtile_narrow<4, Vectors>,
                                         qtile_narrow<5, Vectors>, qtile_narrow<6, Vectors>};
// A wide panel of one vector does not exist: it is narrow.
constexpr const QTileFn* kTilesOf[kVectors] = {nullptr, kTiles<Dot, Wide, 2>, kTiles<Dot, Wide, 3>,
                                               kTiles<Dot, Wide, 4>};
constexpr size_t kFewColumns = 4;
constexpr size_t kFewColumnsRows = 8;
constexpr QTileFn kFewColumnsTiles[kFewColumnsRows] = {
    qtile_few_columns<1>, qtile_few_columns<2>, qtile_few_columns<3>, qtile_few_columns<4>,
    qtile_few_columns<5>, qtile_few_columns<6>, qtile_few_columns<7>, qtile_few_columns<8>};
constexpr const QTileFn* kNarrowTilesOf[4] = {nullptr, kNarrowTiles<2>, kNarrowTiles<3>, kNarrowTiles<4>};

void qgemm_6x64_avx512vnni(const QGemmPanel& p) noexcept {
  if (p.columns <= kFewColumns) return run_tiles(p, kFewColumnsTiles, kFewColumnsRows);
  const bool narrow = p.columns <= kNarrowPanel.columns();
  run_tiles(p,
            narrow ? kNarrowTilesOf[vectors_for(p.columns, kNarrowPanel.lanes) - 1]
                   : kTilesOf[vectors_for(p.columns, kWidePanel.lanes) - 1],
            kRows);
}

}  // namespace
}  // namespace requant::kernels
