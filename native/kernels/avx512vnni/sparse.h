// Sparse panels (kernel.h, SparseLayout) on AVX-512 VNNI with VBMI.
//
//                        one vector: 4 groups × 4 columns of w, 4 k of each group's own
//                       ┌──────────────────────────────┐
//   8 rows of a         │ zmm                          │  × 8 = 8 accumulators
//   (64-byte window,    └──────────────────────────────┘  + weights + index + 8 permuted rows
//    permuted by k)
//
//   per step: a load of weights, a load and a vpermd that spread 16 bytes of index over the columns, and for
//   each row a vpermb from memory and a vpdpbusd. Zen 4: vpdpbusd zmm on 2 pipes × 2 halves, vpermb on 2 of
//   3: 1.3 cycles a row and step by count, 2 as measured (loads of windows that begin at multiples of 16
//   cross a cache line half the time), beside 1 of a dense panel: so steps must be halved. Ice Lake: p5 + p0.
#pragma once

#include "kernels/avx512vnni/qgemm.h"

namespace requant::kernels {
namespace {

/// Byte i of the result: byte index[i] of the 64 at p. An instruction of VBMI, which the other code here does
/// without.
inline __m512i permuted_bytes(__m512i index, const uint8_t* p) noexcept {
  __m512i out;
  asm("vpermb %2, %1, %0" : "=v"(out) : "v"(index), "m"(*reinterpret_cast<const __m512i_u*>(p)));
  return out;
}

/// The accumulators of some rows, bias included, on their way out.
template <int Rows>
[[gnu::noinline, gnu::flatten]] void sparse_finish(const QGemmPanel& p, size_t row,
                                                   const __m512i* sums) noexcept {
  const Bias<Lanes16, 1> bias(p);
  __m512i acc[Rows][1];
  unroll<Rows>([&](auto r)
                   __attribute__((always_inline)) { acc[r][0] = _mm512_add_epi32(sums[r], bias.of[0]); });
  Tile<Lanes16, Rows, 1>{p, row, acc}.finish();
}

template <int Rows>
[[gnu::flatten]] void sparse_rows(const QGemmPanel& p, size_t row) noexcept {
  constexpr int kChains = chains_for(Rows);
  uint32_t steps;
  __builtin_memcpy(&steps, p.weights, sizeof(steps));
  const int8_t* w = p.weights + SparseLayout::kHead;
  const int8_t* index = w + steps * SparseLayout::kWeightBytes;
  const int8_t* start = index + steps * SparseLayout::kIndexBytes;
  const uint8_t* a = p.a + row * p.a_stride;
  const __m512i spread = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  __m512i acc[kChains][Rows];
  unroll<kChains * Rows>(
      [&](auto i) __attribute__((always_inline)) { acc[i / Rows][i % Rows] = _mm512_setzero_si512(); });
  const auto step = [&](auto chain) __attribute__((always_inline)) {
    const __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(index));
    const __m512i order = _mm512_permutexvar_epi32(spread, _mm512_castsi128_si512(four));
    const __m512i weights = _mm512_load_si512(w);
    uint32_t begin;
    __builtin_memcpy(&begin, start, sizeof(begin));
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      const __m512i x = permuted_bytes(order, a + begin + r * p.a_stride);
      acc[chain][r] = Dot::dot(acc[chain][r], x, weights);
    });
    w += SparseLayout::kWeightBytes;
    index += SparseLayout::kIndexBytes;
    start += sizeof(begin);
  };
  size_t left = steps;
  for (; left >= kChains; left -= kChains) unroll<kChains>(step);
  for (; left > 0; --left) step(Index<0>{});
  __m512i sums[Rows];
  unroll<Rows>([&](auto r) __attribute__((always_inline)) {
    sums[r] = acc[0][r];
    unroll<kChains - 1>([&](auto chain) __attribute__((always_inline)) {
      sums[r] = _mm512_add_epi32(sums[r], acc[chain + 1][r]);
    });
  });
  constexpr int kFinish = Rows < 4 ? Rows : 4;
  for (int r = 0; r < Rows; r += kFinish) sparse_finish<kFinish>(p, row + r, sums + r);
}

void sparse_panel_8x16(const QGemmPanel& p) noexcept {
  size_t row = 0;
  for (; row + 8 <= p.rows; row += 8) sparse_rows<8>(p, row);
  for (; row + 4 <= p.rows; row += 4) sparse_rows<4>(p, row);
  for (; row < p.rows; ++row) sparse_rows<1>(p, row);
}

}  // namespace
}  // namespace requant::kernels
