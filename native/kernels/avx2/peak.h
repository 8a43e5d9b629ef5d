// What the products' instructions can do on registers alone: ten independent chains.
#pragma once

#include "kernels/avx2/lanes.h"

namespace requant::kernels {
namespace {

constexpr int kPeakChains = 10;

uint64_t peak_int8(uint64_t steps) noexcept {
  __m256i acc[kPeakChains] = {};
  const __m256i x = _mm256_set1_epi16(1);
  for (uint64_t i = 0; i < steps; ++i) {
    for (auto& a : acc) {
      __m256i product;
      asm volatile("vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(a), "=&x"(product) : "x"(x));
    }
  }
  return steps * kPeakChains * 16;
}

uint64_t peak_float32(uint64_t steps) noexcept {
  __m256 acc[kPeakChains] = {};
  const __m256 x = _mm256_set1_ps(0.5F);
  for (uint64_t i = 0; i < steps; ++i) {
    for (auto& a : acc) asm volatile("vfmadd231ps %1, %1, %0" : "+x"(a) : "x"(x));
  }
  return steps * kPeakChains * 8;
}

}  // namespace
}  // namespace requant::kernels
