// int4 weights for any CPU. A kernel without int4 tiles of its own takes this one's.
#pragma once

#include <bit>

#include "arith/fma.h"
#include "kernels/kernel.h"

namespace requant::kernels {
namespace {

constexpr Int4Layout kInt4Layout{16, 1};

/// w of k number `i` of a step.
constexpr int32_t int4_weight(const std::byte* step, size_t column, size_t i) noexcept {
  const auto byte = static_cast<uint8_t>(step[Int4Layout::kStep * (column % kInt4Layout.lanes) + i]);
  if (column < kInt4Layout.lanes) return (byte & 0x0F) - Int4Layout::kOffset;
  return static_cast<int8_t>(byte & 0xF0) / Int4Layout::kHighUnit;
}

/// The scale of a column out of the words behind a group's steps.
inline float int4_scale(const Int4Panel& p, const std::byte* words, size_t column) noexcept {
  uint32_t bits;
  const size_t index = p.short_scales ? column : kInt4Layout.columns() + column;
  __builtin_memcpy(&bits, words + 4 * index, sizeof(bits));
  return std::bit_cast<float>(p.short_scales ? bits & 0xFFFF0000U : bits);
}

/// What a group adds up to before its scale: fl(Σ (a − z)·w) in units of the column's scale, or the chain
/// t = fma(a, w, t).
struct Int4Codes {
  using Sum = int32_t;
  int32_t zero_point;
  Int4Codes(const Int4Panel& p, size_t row) noexcept
      : zero_point(-static_cast<int16_t>(p.minus_zero_point[row])) {}
  int32_t add(int32_t sum, uint8_t a, int32_t w) const noexcept { return sum + (a - zero_point) * w; }
  static float value(int32_t sum, size_t column) noexcept {
    return static_cast<float>(column < kInt4Layout.lanes ? sum : sum * Int4Layout::kHighUnit);
  }
};

struct Int4Floats {
  using Sum = float;
  Int4Floats(const Int4Panel&, size_t) noexcept {}
  float add(float sum, float a, int32_t w) const noexcept {
    return arith::fma32(a, static_cast<float>(w), sum);
  }
  static float value(float sum, size_t) noexcept { return sum; }
};

/// y[column] of one row, before the row's scale and the bias.
template <class Kind, class A>
void int4_row(const Int4Panel& p, const A* a, size_t row, float (&y)[kInt4Layout.columns()]) noexcept {
  constexpr size_t kColumns = kInt4Layout.columns();
  const Kind kind(p, row);
  const std::byte* step = p.weights;
  for (size_t first = 0; first < p.k; first += p.group_size) {
    const size_t count = p.k - first < p.group_size ? p.k - first : p.group_size;
    typename Kind::Sum sums[kColumns] = {};
    for (size_t k = 0; k < count; k += Int4Layout::kStep, step += Int4Layout::kStep * kInt4Layout.lanes) {
      for (size_t i = 0; i < Int4Layout::kStep && k + i < count; ++i) {
        for (size_t c = 0; c < kColumns; ++c)
          sums[c] = kind.add(sums[c], a[first + k + i], int4_weight(step, c, i));
      }
    }
    for (size_t c = 0; c < kColumns; ++c)
      y[c] = arith::fma32(Kind::value(sums[c], c), int4_scale(p, step, c), y[c]);
    step += (p.short_scales ? 4 : 8) * kColumns;
  }
}

template <class Kind, class A>
void int4_1x32_scalar(const Int4Panel& p) noexcept {
  for (size_t row = 0; row < p.rows; ++row) {
    float y[kInt4Layout.columns()] = {};
    int4_row<Kind>(p, static_cast<const A*>(p.a) + row * p.a_stride, row, y);
    for (size_t c = 0; c < p.columns; ++c) {
      if constexpr (sizeof(A) == 1) y[c] = y[c] * p.row_scale[row];
      p.out[row * p.out_stride + c] = p.bias != nullptr ? y[c] + p.bias[p.column + c] : y[c];
    }
  }
}

constexpr Int4Kernel kInt4{kInt4Layout, int4_1x32_scalar<Int4Codes, uint8_t>,
                           int4_1x32_scalar<Int4Floats, float>};

}  // namespace
}  // namespace requant::kernels
