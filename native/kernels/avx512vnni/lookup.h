// 256-entry tables: by vpermi2w, which every AVX-512BW CPU has (two bytes of the table at a time), and by
// vpermi2b (VBMI), 128 bytes at a time.
#pragma once

#include <immintrin.h>

#include "kernels/kernel.h"

namespace requant::kernels {
namespace {

struct TableRegisters {
  __m512i part[4];
  explicit TableRegisters(const uint8_t* table) noexcept
      : part{_mm512_load_si512(table), _mm512_load_si512(table + 64), _mm512_load_si512(table + 128),
             _mm512_load_si512(table + 192)} {}
};

/// For 16-bit lanes that hold a byte each: its entry.
__m512i lookup_words(const TableRegisters& table, __m512i x) noexcept {
  const __m512i pair = _mm512_srli_epi16(x, 1);  // the word of the table that holds the entry
  const __m512i low = _mm512_permutex2var_epi16(table.part[0], pair, table.part[1]);
  const __m512i high = _mm512_permutex2var_epi16(table.part[2], pair, table.part[3]);
  const __mmask32 upper_half = _mm512_test_epi16_mask(x, _mm512_set1_epi16(0x80));
  const __m512i both = _mm512_mask_blend_epi16(upper_half, low, high);
  const __m512i odd = _mm512_slli_epi16(_mm512_and_si512(x, _mm512_set1_epi16(1)), 3);
  return _mm512_and_si512(_mm512_srlv_epi16(both, odd), _mm512_set1_epi16(0xFF));
}

void lookup_words(const LookupRow& row) noexcept {
  const TableRegisters table(row.table);
  for (size_t i = 0; i < row.count; i += 64) {
    const size_t left = row.count - i;
    const __mmask64 mask = left >= 64 ? ~uint64_t{0} : (uint64_t{1} << left) - 1;
    const __m512i x = _mm512_maskz_loadu_epi8(mask, row.x + i);
    const __m512i even = lookup_words(table, _mm512_and_si512(x, _mm512_set1_epi16(0xFF)));
    const __m512i odd = lookup_words(table, _mm512_srli_epi16(x, 8));
    _mm512_mask_storeu_epi8(row.out + i, mask, _mm512_or_si512(even, _mm512_slli_epi16(odd, 8)));
  }
}

[[gnu::target("avx512vbmi")]] void lookup_bytes(const LookupRow& row) noexcept {
  const __m512i t0 = _mm512_load_si512(row.table);
  const __m512i t1 = _mm512_load_si512(row.table + 64);
  const __m512i t2 = _mm512_load_si512(row.table + 128);
  const __m512i t3 = _mm512_load_si512(row.table + 192);
  for (size_t i = 0; i < row.count; i += 64) {
    const size_t left = row.count - i;
    const __mmask64 mask = left >= 64 ? ~uint64_t{0} : (uint64_t{1} << left) - 1;
    const __m512i x = _mm512_maskz_loadu_epi8(mask, row.x + i);
    const __m512i low = _mm512_permutex2var_epi8(t0, x, t1);
    const __m512i high = _mm512_permutex2var_epi8(t2, x, t3);
    _mm512_mask_storeu_epi8(row.out + i, mask, _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high));
  }
}

}  // namespace
}  // namespace requant::kernels
