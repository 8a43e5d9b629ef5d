// What does not depend on the int8 instructions: the float32 product, quantize, dequantize and tables,
// and the peak loops.
//
//                 4 vectors × 4 columns of w (one k)
//                ┌────────┬────────┬────────┬────────┐
//   6 rows of a  │ q      │ q      │ q      │ q      │  × 6 = 24 accumulators
//   (one value)  └────────┴────────┴────────┴────────┘  + 4 of w + 1–2 of a = 29–30 of 32 registers
//
//   per k: 2 loads of two vectors of w, 6 loads of a value, 24 fmla (latency 4, two a cycle) for 96 MAC:
//   36 instructions with g++ 12, 41 with clang 19.
#pragma once

#include "kernels/neon_shared/doubles.h"
#include "kernels/neon_shared/lanes.h"
#include "kernels/neon_shared/lookup.h"
#include "kernels/shared/norm.h"
#include "kernels/shared/optimizers.h"

namespace requant::kernels {
namespace {

/// acc + weights · x. volatile keeps the order below: g++ 12 loads all of a's values first otherwise, and has
/// no registers left for the accumulators.
float32x4_t multiply_add(float32x4_t acc, float32x4_t weights, float x) noexcept {
  asm volatile("fmla %0.4s, %1.4s, %2.s[0]" : "+w"(acc) : "w"(weights), "w"(x));
  return acc;
}

/// As stile of tiles.h, with the loops unrolled by the front end: g++ 12 stores the accumulators in every
/// step otherwise.
template <int Rows, int Vectors, class Weight>
[[gnu::flatten]] void stile_neon(const SGemmPanel& p, size_t row) noexcept {
  const size_t row_stride = p.a_row_stride;
  const size_t k_stride = p.a_k_stride;
  const float* a = p.a + row * row_stride;
  const auto* w = static_cast<const Weight*>(p.weights);
  float32x4_t acc[Rows][Vectors];
  unroll<Rows>([&](auto r) __attribute__((always_inline)) {
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) { acc[r][v] = vdupq_n_f32(0.0F); });
  });
  for (size_t k = p.k; k > 0; --k, w += Vectors * Lanes4::kLanes, a += k_stride) {
    float32x4_t weights[Vectors];
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      weights[v] = Lanes4::load_weights(w + v * Lanes4::kLanes);
    });
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      const float x = a[r * row_stride];
      unroll<Vectors>(
          [&](auto v) __attribute__((always_inline)) { acc[r][v] = multiply_add(acc[r][v], weights[v], x); });
    });
  }
  unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
    const size_t column = p.column + v * Lanes4::kLanes;
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      float32x4_t y = acc[r][v];
      if (p.scale != nullptr) y = vmulq_f32(y, vld1q_f32(p.scale + column));
      if (p.bias != nullptr) y = vaddq_f32(y, vld1q_f32(p.bias + column));
      float* out = p.out + (row + r) * p.out_stride + v * Lanes4::kLanes;
      Lanes4::store(out, y, p.columns - v * Lanes4::kLanes);
    });
  });
}

template <int Vectors, class Weight>
constexpr STileFn kSTilesOfNeon[kRows] = {stile_neon<1, Vectors, Weight>, stile_neon<2, Vectors, Weight>,
                                          stile_neon<3, Vectors, Weight>, stile_neon<4, Vectors, Weight>,
                                          stile_neon<5, Vectors, Weight>, stile_neon<6, Vectors, Weight>};
template <class Weight>
constexpr const STileFn* kSTiles[kVectors] = {kSTilesOfNeon<1, Weight>, kSTilesOfNeon<2, Weight>,
                                              kSTilesOfNeon<3, Weight>, kSTilesOfNeon<4, Weight>};

template <class Weight>
void sgemm_6x16_neon(const SGemmPanel& p) noexcept {
  sgemm_panel<Lanes4, kRows>(p, kSTiles<Weight>);
}

/// `step` on 24 independent accumulators, `macs` multiply-accumulates each.
template <class Vector, class Step>
[[gnu::flatten]] uint64_t peak(uint64_t steps, Vector x, uint64_t macs, Step step) noexcept {
  constexpr int kChains = 24;
  Vector acc[kChains];
  unroll<kChains>([&](auto i) __attribute__((always_inline)) { acc[i] = x; });
  for (uint64_t s = 0; s < steps; ++s) {
    unroll<kChains>([&](auto i) __attribute__((always_inline)) { step(acc[i], x); });
  }
  return steps * kChains * macs;
}

uint64_t peak_float32(uint64_t steps) noexcept {
  return peak<float32x4_t>(steps, vdupq_n_f32(0.5F), 4, [](float32x4_t& acc, float32x4_t x) {
    asm volatile("fmla %0.4s, %1.4s, %1.4s" : "+w"(acc) : "w"(x));
  });
}

constexpr SGemmKernel kSGemm{{Lanes4::kLanes, kVectors, 1}, sgemm_6x16_neon<float>, sgemm_6x16_neon<int8_t>};
constexpr VectorKernel kVector{quantize<Lanes4>,     dequantize<Lanes4>, round_to_grid<Doubles2>,
                               finite_range<Lanes4>, lookup_neon,        nullptr,
                               kNorm<Lanes4>,        kOptimizers<Lanes4>};

}  // namespace
}  // namespace requant::kernels
