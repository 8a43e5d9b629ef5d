// NEON int8 matrix multiply: usmmla, u8 × s8 → int32, two rows of a times two columns of w, eight k each:
//   [r0c0 r0c1 r1c0 r1c1] += Σk a[r][k]·w[c][k]
//
//                     8 pairs of columns of w (8 k each)
//                    ┌────┬────┬────┬────┬────┬────┬────┬────┐
//   3 pairs of rows  │ q  │ q  │ q  │ q  │ q  │ q  │ q  │ q  │  × 3 = 24 accumulators
//   of a (8 k each)  └────┴────┴────┴────┴────┴────┴────┴────┘  + 6 of a (16 k) + 1 of w = 31 of 32
//
//   per 16 k: 16 loads of w, 6 loads and 6 zips of a, 48 usmmla for 1536 MAC: 80 instructions with g++ 12,
//   84 with clang 19 (.052 and .055 a MAC; usmmla alone .031). One row: 38 for 256 MAC, bound by loads of w.
//   usmmla: latency 3; two a cycle on Neoverse N2, four on V1. An odd last row is paired with itself.
#pragma once

#include "kernels/neon_shared/lanes.h"
#include "kernels/neon_shared/order.h"

namespace requant::kernels {
namespace {

constexpr int kGroup = 8;  // k a column in one vector
constexpr size_t kStep = 16;
constexpr int kGroups = kStep / kGroup;

/// volatile keeps the order below, in which a vector of weights is used and gone (see neon_dotprod/qgemm.h).
int32x4_t multiply(int32x4_t acc, uint8x16_t rows, int8x16_t columns) noexcept {
  asm volatile("usmmla %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(rows), "w"(columns));
  hold_loads();
  return acc;
}

/// The lower or upper halves of two vectors.
int32x4_t low_halves(int32x4_t a, int32x4_t b) noexcept {
  return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}
int32x4_t high_halves(int32x4_t a, int32x4_t b) noexcept {
  return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}

/// Eight k of two rows, for each group of a step and each pair of rows.
template <int Pairs>
using RowPairs = uint8x16_t[kGroups][Pairs];

/// Pairs up rows of 16 k; `load(r)` gives row r.
template <int Rows, int Pairs, class Load>
[[gnu::always_inline]] inline void pair_rows(RowPairs<Pairs>& x, Load load) noexcept {
  unroll<Pairs>([&](auto pair) __attribute__((always_inline)) {
    const int32x4_t first = vreinterpretq_s32_u8(load(2 * pair));
    const int32x4_t second = 2 * pair + 1 < Rows ? vreinterpretq_s32_u8(load(2 * pair + 1)) : first;
    x[0][pair] = vreinterpretq_u8_s32(low_halves(first, second));
    x[1][pair] = vreinterpretq_u8_s32(high_halves(first, second));
  });
}

/// acc[chain of the group][pair of rows][pair of columns] += Σ over eight k, whose weights start at w.
template <int Chains, int Pairs, int Columns>
[[gnu::always_inline]] inline void add_group(int32x4_t (&acc)[Chains][Pairs][Columns],
                                             const RowPairs<Pairs>& x, int group, const int8_t* w) noexcept {
  unroll<Columns>([&](auto c) __attribute__((always_inline)) {
    const int8x16_t weights = vld1q_s8(w + c * 16);
    unroll<Pairs>([&](auto pair) __attribute__((always_inline)) {
      int32x4_t& sum = acc[group % Chains][pair][c];
      sum = multiply(sum, x[group][pair], weights);
    });
  });
}

template <int Rows, int Vectors>
[[gnu::flatten]] void qtile(const QGemmPanel& p, size_t row) noexcept {
  constexpr int kPairs = (Rows + 1) / 2;
  constexpr int kColumnPairs = 2 * Vectors;
  constexpr int kChains = kPairs * kColumnPairs >= 8 ? 1 : 2;
  constexpr size_t kGroupBytes = kColumnPairs * 16;
  int32x4_t sums[kChains][kPairs][kColumnPairs];
  {
    const Bias<Lanes4, Vectors> bias(p);
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      unroll<kPairs>([&](auto pair) __attribute__((always_inline)) {
        sums[0][pair][2 * v] = low_halves(bias.of[v], bias.of[v]);
        sums[0][pair][2 * v + 1] = high_halves(bias.of[v], bias.of[v]);
        if constexpr (kChains > 1) sums[1][pair][2 * v] = sums[1][pair][2 * v + 1] = vdupq_n_s32(0);
      });
    });
  }

  const size_t stride = p.a_stride;
  const uint8_t* a = p.a + row * stride;
  const int8_t* w = p.weights;
  RowPairs<kPairs> x;
  size_t k = p.k;
  for (; k >= kStep; k -= kStep) {
    pair_rows<Rows, kPairs>(x,
                            [&](int r) __attribute__((always_inline)) { return vld1q_u8(a + r * stride); });
    add_group(sums, x, 0, w);
    add_group(sums, x, 1, w + kGroupBytes);
    a += kStep;
    w += kGroups * kGroupBytes;
  }
  if (k > 0) {
    pair_rows<Rows, kPairs>(
        x, [&](int r) __attribute__((always_inline)) { return load_first(a + r * stride, k); });
    for (size_t left = (k + kGroup - 1) / kGroup; left > 0; --left, w += kGroupBytes) {
      add_group(sums, x, 0, w);
      unroll<kPairs>([&](auto pair) __attribute__((always_inline)) { x[0][pair] = x[1][pair]; });
    }
  }

  int32x4_t acc[Rows][Vectors];
  unroll<kPairs>([&](auto pair) __attribute__((always_inline)) {
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      int32x4_t of[2] = {sums[0][pair][2 * v], sums[0][pair][2 * v + 1]};
      if constexpr (kChains > 1) {
        of[0] = vaddq_s32(of[0], sums[1][pair][2 * v]);
        of[1] = vaddq_s32(of[1], sums[1][pair][2 * v + 1]);
      }
      acc[2 * pair][v] = low_halves(of[0], of[1]);
      if constexpr (2 * decltype(pair)::value + 1 < Rows) acc[2 * pair + 1][v] = high_halves(of[0], of[1]);
    });
  });
  Tile<Lanes4, Rows, Vectors>{p, row, acc}.finish();
}

constexpr PanelLayout kPanel{Lanes4::kLanes, kVectors, kGroup};

template <int Vectors>
constexpr QTileFn kTiles[kRows] = {qtile<1, Vectors>, qtile<2, Vectors>, qtile<3, Vectors>,
                                   qtile<4, Vectors>, qtile<5, Vectors>, qtile<6, Vectors>};
constexpr const QTileFn* kTilesOf[kVectors] = {kTiles<1>, kTiles<2>, kTiles<3>, kTiles<4>};

/// As run_tiles, but only the last tile has an odd number of rows.
void run_even_tiles(const QGemmPanel& p, const QTileFn* tiles) noexcept {
  for (size_t row = 0; row < p.rows;) {
    const size_t even = (tile_rows(p.rows - row, kRows) + 1) / 2 * 2;
    const size_t rows = minimum(even, p.rows - row);
    tiles[rows - 1](p, row);
    row += rows;
  }
}

void qgemm_6x16_neon_i8mm(const QGemmPanel& p) noexcept {
  each_panel(p, kPanel, [](const QGemmPanel& panel) {
    run_even_tiles(panel, kTilesOf[vectors_for(panel.columns, kPanel.lanes) - 1]);
  });
}

}  // namespace
}  // namespace requant::kernels
