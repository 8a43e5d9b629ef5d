// AVX-VNNI: vpdpbusd on ymm, u8 × s8 → int32, four k a lane.
//
//                 2 vectors × 8 columns of w (4 k each)
//                ┌────────┬────────┐
//   6 rows of a  │ ymm    │ ymm    │  × 6 = 12 accumulators
//   (broadcast)  └────────┴────────┘  + 2 weights + 1 broadcast = 15 of 16 registers
//
//   per 4 k: 2 loads + 6 broadcast loads, 12 vpdpbusd for 384 MAC (Alder Lake: two a cycle, latency 5).
//
// `Encoding` is how the instruction is written: VEX, what AVX-VNNI is; or EVEX, the same instruction of
// AVX-512 VL, with which the tests run these tiles on CPUs that have only that.
#pragma once

#include "kernels/avx2/lanes.h"
#include "kernels/shared/dot_tiles.h"

namespace requant::kernels {
namespace {

struct Vex {
  static __m256i dot(__m256i acc, __m256i u8, __m256i s8) noexcept {
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(u8), "x"(s8));
    return acc;
  }
};

struct Evex {
  static __m256i dot(__m256i acc, __m256i u8, __m256i s8) noexcept {
    asm("%{evex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(u8), "x"(s8));
    return acc;
  }
};

template <class Encoding>
struct Dot : Encoding {
  using V = Lanes8;
  static __m256i load(const int8_t* w) noexcept {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(w));
  }
};

using Deep = FourDeep<Lanes8>;
constexpr PanelLayout kPanel{Lanes8::kLanes, kVectors, Deep::kStep};

template <class Encoding>
constexpr const QTileFn* kTilesOf[kVectors] = {kTiles<Dot<Encoding>, Deep, 1>,
                                               kTiles<Dot<Encoding>, Deep, 2>};

template <class Encoding>
void qgemm_6x16(const QGemmPanel& p) noexcept {
  each_panel(p, kPanel, [](const QGemmPanel& panel) {
    run_tiles(panel, kTilesOf<Encoding>[vectors_for(panel.columns, kPanel.lanes) - 1], kRows);
  });
}

/// Register-only: twelve chains.
template <class Encoding>
uint64_t peak_int8(uint64_t steps) noexcept {
  constexpr int kChains = 12;
  __m256i acc[kChains] = {};
  const __m256i x = _mm256_set1_epi8(1);
  for (uint64_t i = 0; i < steps; ++i) {
    unroll<kChains>([&](auto c) __attribute__((always_inline)) { acc[c] = Encoding::dot(acc[c], x, x); });
    asm volatile("");
  }
  for (auto& a : acc) asm volatile("" ::"x"(a));
  return steps * kChains * 32;
}

template <class Encoding>
constexpr QGemmKernel kQGemm{{kPanel}, qgemm_6x16<Encoding>, epilogue<Lanes8>};

}  // namespace
}  // namespace requant::kernels
