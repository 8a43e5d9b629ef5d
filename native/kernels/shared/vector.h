// Quantize and dequantize rows of any length over a vector type V: partial loads and stores, nothing is read
// beyond the end. Internal linkage, as in epilogue.h.
#pragma once

#include "kernels/shared/epilogue.h"

namespace requant::kernels {
namespace {

template <class V>
bool quantize(const QuantizeRow& q) noexcept {
  const auto lo = V::set(static_cast<float>(q.lo - q.zero_point));
  const auto hi = V::set(static_cast<float>(q.hi - q.zero_point));
  const auto zero_point = V::set(q.zero_point);
  const auto common = V::set(q.scale[0]);
  auto nan = V::no_nan();
  for (size_t i = 0; i < q.count; i += V::kLanes) {
    const size_t count = q.count - i;
    const auto x = V::load_first(q.x + i, count, V::set(0.0F));
    // Lanes beyond the end divide 0 by the common scale.
    const auto scale = q.scale_per_value ? V::load_first(q.scale + i, count, common) : common;
    const auto unordered = V::is_nan(x);
    nan = V::either(nan, unordered);
    const auto quotient = V::min(V::max(V::div(x, scale), lo), hi);
    const auto rounded = V::round(V::zero_where(unordered, quotient));
    V::store_bytes(q.out + i, V::add(rounded, zero_point), count);
  }
  return V::any(nan);
}

template <class V>
void dequantize(const DequantizeRow& d) noexcept {
  const auto scale = V::set(d.scale);
  const auto zero_point = V::set(d.zero_point);
  for (size_t i = 0; i < d.count; i += V::kLanes) {
    const auto codes = V::load_bytes(d.codes + i, d.count - i);
    V::store(d.out + i, V::mul(scale, V::to_float(V::sub(codes, zero_point))), d.count - i);
  }
}

}  // namespace
}  // namespace requant::kernels
