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

/// What one group adds up to before its scale.
template <class A>
struct Int4Group;

/// fl(Σ (a − z)·w), in units of the column's scale.
template <>
struct Int4Group<uint8_t> {
  int32_t zero_point;
  int32_t unit;
  int32_t sum = 0;
  Int4Group(const Int4Panel& p, size_t row, size_t column) noexcept
      : zero_point(-static_cast<int16_t>(p.minus_zero_point[row])),
        unit(column < kInt4Layout.lanes ? 1 : Int4Layout::kHighUnit) {}
  void add(uint8_t a, int32_t w) noexcept { sum += (a - zero_point) * w; }
  float value() const noexcept { return static_cast<float>(sum * unit); }
};

/// t = fma(a, w, t)
template <>
struct Int4Group<float> {
  float t = 0.0F;
  Int4Group(const Int4Panel&, size_t, size_t) noexcept {}
  void add(float a, int32_t w) noexcept { t = arith::fma32(a, static_cast<float>(w), t); }
  float value() const noexcept { return t; }
};

template <class A>
float int4_dot(const Int4Panel& p, const A* a, size_t row, size_t column) noexcept {
  constexpr size_t kStepBytes = Int4Layout::kStep * kInt4Layout.lanes;
  const std::byte* step = p.weights;
  float y = 0.0F;
  for (size_t first = 0; first < p.k; first += p.group_size) {
    const size_t count = p.k - first < p.group_size ? p.k - first : p.group_size;
    Int4Group<A> group(p, row, column);
    for (size_t k = 0; k < count; k += Int4Layout::kStep, step += kStepBytes) {
      for (size_t i = 0; i < Int4Layout::kStep && k + i < count; ++i)
        group.add(a[first + k + i], int4_weight(step, column, i));
    }
    y = arith::fma32(group.value(), int4_scale(p, step, column), y);
    step += (p.short_scales ? 4 : 8) * kInt4Layout.columns();
  }
  return y;
}

template <class A>
void int4_1x32_scalar(const Int4Panel& p) noexcept {
  for (size_t row = 0; row < p.rows; ++row) {
    for (size_t c = 0; c < p.columns; ++c) {
      float y = int4_dot(p, static_cast<const A*>(p.a) + row * p.a_stride, row, c);
      if constexpr (sizeof(A) == 1) y = y * p.row_scale[row];
      if (p.bias != nullptr) y = y + p.bias[p.column + c];
      p.out[row * p.out_stride + c] = y;
    }
  }
}

constexpr Int4Kernel kInt4{kInt4Layout, int4_1x32_scalar<uint8_t>, int4_1x32_scalar<float>};

}  // namespace
}  // namespace requant::kernels
