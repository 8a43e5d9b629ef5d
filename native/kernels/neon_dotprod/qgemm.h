// NEON dot product: sdot by lane, s8 × s8 → int32, four k a lane. Activations are u8 codes: their top bit is
// flipped (a − 128), and the accumulators start from 128·Σk w, which stands at the head of a panel.
//
//                     4 vectors × 4 columns of w (4 k each)
//                    ┌────────┬────────┬────────┬────────┐
//   6 rows of a      │ q      │ q      │ q      │ q      │  × 6 = 24 accumulators
//   (16 k a vector)  └────────┴────────┴────────┴────────┘  + 6 of a + 1 of w + the flip = 32 registers
//
//   per 16 k: 16 loads of w, 6 loads and 6 flips of a, 96 sdot for 1536 MAC: 128 instructions with g++ 12,
//   132 with clang 19 (.083 and .086 a MAC; sdot alone .0625). One row: 37 for 256 MAC, bound by loads of w.
//   sdot: two a cycle on Cortex-A76 and Neoverse N1, four on V1 and Apple's; latency 3–4, less between
//   accumulations: few rows of few vectors keep several chains over k.
#pragma once

#include "kernels/neon_shared/lanes.h"
#include "kernels/neon_shared/order.h"

namespace requant::kernels {
namespace {

constexpr int kGroup = 4;  // k a lane
constexpr size_t kStep = 16;
constexpr int kGroups = kStep / kGroup;

/// As an intrinsic g++ 12 puts the four sdot of one accumulator beside each other, where they wait for one
/// another and hold all weights in registers; volatile keeps the order below.
template <int Lane>
int32x4_t dot(int32x4_t acc, int8x16_t weights, int8x16_t a) noexcept {
  asm volatile("sdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(acc) : "w"(weights), "w"(a), "i"(Lane));
  hold_loads();
  return acc;
}

/// a − 128 for 16 bytes.
int8x16_t flipped(uint8x16_t a) noexcept { return vreinterpretq_s8_u8(veorq_u8(a, vdupq_n_u8(0x80))); }

/// acc[chain of the group][r][v] += Σ over the four k of group `Group`, whose weights start at w.
template <int Group, int Rows, int Vectors, int Chains>
[[gnu::always_inline]] inline void add_group(int32x4_t (&acc)[Chains][Rows][Vectors],
                                             const int8x16_t (&a)[Rows], const int8_t* w) noexcept {
  unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
    const int8x16_t weights = vld1q_s8(w + v * 16);
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      int32x4_t& sum = acc[Group % Chains][r][v];
      sum = dot<Group>(sum, weights, a[r]);
    });
  });
}

template <int Rows, int Vectors>
[[gnu::flatten]] void qtile(const QGemmPanel& p, size_t row) noexcept {
  constexpr int kChains = chains_for(Rows * Vectors);
  constexpr size_t kGroupBytes = Vectors * 16;
  const int8_t* w = p.weights;
  const Bias<Lanes4, Vectors> bias(p);
  int32x4_t acc[kChains][Rows][Vectors];
  unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
    const int32x4_t head = vreinterpretq_s32_s8(vld1q_s8(w + v * 16));
    unroll<Rows>([&](auto r) __attribute__((always_inline)) { acc[0][r][v] = vaddq_s32(bias.of[v], head); });
    unroll<kChains - 1>([&](auto chain) __attribute__((always_inline)) {
      unroll<Rows>([&](auto r) __attribute__((always_inline)) { acc[chain + 1][r][v] = vdupq_n_s32(0); });
    });
  });
  w += kGroupBytes;

  const size_t stride = p.a_stride;
  const uint8_t* a = p.a + row * stride;
  int8x16_t x[Rows];
  size_t k = p.k;
  for (; k >= kStep; k -= kStep) {
    unroll<Rows>([&](auto r) __attribute__((always_inline)) { x[r] = flipped(vld1q_u8(a + r * stride)); });
    unroll<kGroups>([&](auto group) __attribute__((always_inline)) {
      add_group<decltype(group)::value>(acc, x, w + group * kGroupBytes);
    });
    a += kStep;
    w += kGroups * kGroupBytes;
  }
  if (k > 0) {
    unroll<Rows>([&](auto r)
                     __attribute__((always_inline)) { x[r] = flipped(load_first(a + r * stride, k)); });
    for (size_t left = (k + kGroup - 1) / kGroup; left > 0; --left, w += kGroupBytes) {
      add_group<0>(acc, x, w);
      unroll<Rows>([&](auto r) __attribute__((always_inline)) { x[r] = vextq_s8(x[r], x[r], kGroup); });
    }
  }

  unroll<kChains - 1>([&](auto chain) __attribute__((always_inline)) {
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        acc[0][r][v] = vaddq_s32(acc[0][r][v], acc[chain + 1][r][v]);
      });
    });
  });
  Tile<Lanes4, Rows, Vectors>{p, row, acc[0]}.finish();
}

constexpr PanelLayout kPanel{Lanes4::kLanes, kVectors, kGroup, sizeof(int32_t)};

template <int Vectors>
constexpr QTileFn kTiles[kRows] = {qtile<1, Vectors>, qtile<2, Vectors>, qtile<3, Vectors>,
                                   qtile<4, Vectors>, qtile<5, Vectors>, qtile<6, Vectors>};
constexpr const QTileFn* kTilesOf[kVectors] = {kTiles<1>, kTiles<2>, kTiles<3>, kTiles<4>};

void qgemm_6x16_neon_dotprod(const QGemmPanel& p) noexcept {
  each_panel(p, kPanel, [](const QGemmPanel& panel) {
    run_tiles(panel, kTilesOf[vectors_for(panel.columns, kPanel.lanes) - 1], kRows);
  });
}

}  // namespace
}  // namespace requant::kernels
