// 256-entry tables by vpshufb, which looks up 16 entries: sixteen of them, of which one answers for each
// byte.
#pragma once

#include <immintrin.h>

#include "kernels/kernel.h"

namespace requant::kernels {
namespace {

/// A byte of another sixteen than this has its top bit set, for which vpshufb gives 0.
__m256i lookup_part(__m256i x, const uint8_t* table, int part) noexcept {
  const __m256i entries =
      _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table + 16 * part)));
  const __m256i nibble = _mm256_xor_si256(x, _mm256_set1_epi8(static_cast<char>(16 * part)));
  return _mm256_shuffle_epi8(entries, _mm256_adds_epu8(nibble, _mm256_set1_epi8(0x70)));
}

void lookup_avx2(const LookupRow& row) noexcept {
  size_t i = 0;
  for (; i + 32 <= row.count; i += 32) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row.x + i));
    __m256i y = _mm256_setzero_si256();
    for (int part = 0; part < 16; ++part) y = _mm256_or_si256(y, lookup_part(x, row.table, part));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(row.out + i), y);
  }
  for (; i < row.count; ++i) row.out[i] = row.table[row.x[i]];
}

}  // namespace
}  // namespace requant::kernels
