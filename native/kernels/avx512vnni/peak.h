// What the products' instructions can do on registers alone: sixteen independent chains.
#pragma once

#include "kernels/avx512vnni/lanes.h"

namespace requant::kernels {
namespace {

constexpr int kPeakChains = 16;

uint64_t peak_int8(uint64_t steps) noexcept {
  __m512i acc[kPeakChains] = {};
  const __m512i x = _mm512_set1_epi8(1);
  for (uint64_t i = 0; i < steps; ++i) {
    for (auto& a : acc) asm volatile("vpdpbusd %1, %1, %0" : "+v"(a) : "v"(x));
  }
  return steps * kPeakChains * 64;
}

uint64_t peak_float32(uint64_t steps) noexcept {
  __m512 acc[kPeakChains] = {};
  const __m512 x = _mm512_set1_ps(0.5F);
  for (uint64_t i = 0; i < steps; ++i) {
    for (auto& a : acc) asm volatile("vfmadd231ps %1, %1, %0" : "+v"(a) : "v"(x));
  }
  return steps * kPeakChains * 16;
}

}  // namespace
}  // namespace requant::kernels
