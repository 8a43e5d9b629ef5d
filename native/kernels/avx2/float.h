// What AVX2 and AVX-VNNI share: the float32 product, the conversions, tables, the float peak.
#pragma once

#include "kernels/avx2/doubles.h"
#include "kernels/avx2/lanes.h"
#include "kernels/avx2/lookup.h"
#include "kernels/shared/norm.h"
#include "kernels/shared/optimizers.h"

namespace requant::kernels {
namespace {

// float32 product on the same 6 × 16 tile: 12 accumulators; per k 2 loads + 6 broadcast loads, 12 vfmadd231ps
// (latency 4, two a cycle: ≥ 8 chains).
template <class Weight>
constexpr const STileFn* kSTiles[kVectors] = {kSTilesOf<Lanes8, 1, Weight>, kSTilesOf<Lanes8, 2, Weight>};

template <class Weight>
void sgemm_6x16_avx2(const SGemmPanel& p) noexcept {
  sgemm_panel<Lanes8, kRows>(p, kSTiles<Weight>);
}

constexpr SGemmKernel kSGemm{{Lanes8::kLanes, kVectors, 1}, sgemm_6x16_avx2<float>, sgemm_6x16_avx2<int8_t>};
constexpr VectorKernel kVector{quantize<Lanes8>,     dequantize<Lanes8>, round_to_grid<Doubles4>,
                               finite_range<Lanes8>, lookup_avx2,        nullptr,
                               kNorm<Lanes8>,        kOptimizers<Lanes8>};

/// Register-only: ten chains.
uint64_t peak_float32(uint64_t steps) noexcept {
  constexpr int kChains = 10;
  __m256 acc[kChains] = {};
  const __m256 x = _mm256_set1_ps(0.5F);
  for (uint64_t i = 0; i < steps; ++i) {
    for (auto& a : acc) asm volatile("vfmadd231ps %1, %1, %0" : "+x"(a) : "x"(x));
  }
  return steps * kChains * 8;
}

}  // namespace
}  // namespace requant::kernels
