// int32 accumulators → codes, int32 or float32, one vector of columns at a time: written once over a vector
// type V (see lanes.h of each instruction set) and compiled into each kernel with internal linkage, so
// nothing is shared between objects with different instruction-set flags.
//
// V has `Int` and `Float` vectors of `kLanes` lanes and the operations used below; `store_*` write the first
// `count` lanes (all for count ≥ kLanes) and touch nothing behind them.
#pragma once

#include "kernels/kernel.h"

namespace requant::kernels {
namespace {

constexpr size_t minimum(size_t a, size_t b) noexcept { return a < b ? a : b; }

template <class V>
typename V::Int clamp(typename V::Int v, typename V::Int lo, typename V::Int hi) noexcept {
  return V::min(V::max(v, lo), hi);
}

/// The accumulator with bias and zero-point corrections, for one vector of columns.
template <class V>
struct Corrections {
  using Int = typename V::Int;
  const Epilogue& e;
  Int bias, column0, column1;

  Corrections(const Epilogue& epilogue, size_t column) noexcept
      : e(epilogue),
        bias(epilogue.bias != nullptr ? V::load(epilogue.bias + column) : V::set(0)),
        column0(column_of(epilogue.corrections[0], column)),
        column1(column_of(epilogue.corrections[1], column)) {}

  static Int column_of(const RankOne& c, size_t column) noexcept {
    return c.row != nullptr ? V::load(c.column + column) : V::set(0);
  }

  Int operator()(const int32_t* acc, size_t row) const noexcept {
    Int v = V::add(V::load(acc), bias);
    if (e.corrections[0].row != nullptr)
      v = V::add(v, V::mul_low(V::set(e.corrections[0].row[row]), column0));
    if (e.corrections[1].row != nullptr)
      v = V::add(v, V::mul_low(V::set(e.corrections[1].row[row]), column1));
    return v;
  }
};

/// cvt(min(max(fl(fl(acc)·M), lo − zy), hi − zy))
template <class V>
struct Float32 {
  typename V::Float multiplier, lo, hi;

  Float32(const Epilogue& e, size_t column) noexcept
      : multiplier(V::load(e.scale + column)),
        lo(V::set(static_cast<float>(e.lo - e.zero_point))),
        hi(V::set(static_cast<float>(e.hi - e.zero_point))) {}

  typename V::Int operator()(typename V::Int acc) const noexcept {
    return V::round(V::min(V::max(V::mul(V::to_float(acc), multiplier), lo), hi));
  }
};

/// Round turns accumulators into code − zero point, for one vector of columns.
template <class V, class Round>
void store_codes(const Epilogue& e, const AccumulatorBlock& b, size_t c) noexcept {
  const Corrections<V> corrected(e, b.column + c);
  const Round round(e, b.column + c);
  const auto lo = V::set(e.lo - e.zero_point);
  const auto hi = V::set(e.hi - e.zero_point);
  const auto zero_point = V::set(e.zero_point);
  auto* out = static_cast<uint8_t*>(b.out) + c;
  for (size_t r = 0; r < b.rows; ++r) {
    const auto q = clamp<V>(round(corrected(b.acc + r * b.acc_stride + c, b.row + r)), lo, hi);
    V::store_bytes(out + r * b.out_stride, V::add(q, zero_point), b.columns - c);
  }
}

template <class V>
void store_int32(const Epilogue& e, const AccumulatorBlock& b, size_t c) noexcept {
  const Corrections<V> corrected(e, b.column + c);
  auto* out = static_cast<int32_t*>(b.out) + c;
  for (size_t r = 0; r < b.rows; ++r) {
    V::store(out + r * b.out_stride, corrected(b.acc + r * b.acc_stride + c, b.row + r), b.columns - c);
  }
}

template <class V>
void store_float(const Epilogue& e, const AccumulatorBlock& b, size_t c) noexcept {
  const Corrections<V> corrected(e, b.column + c);
  const bool dynamic = e.output == Output::dynamic;
  const bool has_bias = dynamic && e.float_bias != nullptr;
  const auto scale = V::load(e.scale + b.column + c);
  const auto bias = has_bias ? V::load(e.float_bias + b.column + c) : V::set(0.0F);
  auto* out = static_cast<float*>(b.out) + c;
  for (size_t r = 0; r < b.rows; ++r) {
    const auto acc = V::to_float(corrected(b.acc + r * b.acc_stride + c, b.row + r));
    auto y = V::mul(acc, dynamic ? V::mul(V::set(e.row_scale[b.row + r]), scale) : scale);
    if (has_bias) y = V::add(y, bias);
    V::store(out + r * b.out_stride, y, b.columns - c);
  }
}

using StoreVector = void (*)(const Epilogue&, const AccumulatorBlock&, size_t) noexcept;

/// Rounds: HalfUp, HalfEven and Gemmlowp over V.
template <class V, template <class> class HalfUp, template <class> class HalfEven,
          template <class> class Gemmlowp>
StoreVector select_store(const Epilogue& e) noexcept {
  switch (e.output) {
    case Output::int32:
      return store_int32<V>;
    case Output::dequantize:
    case Output::dynamic:
      return store_float<V>;
    case Output::code:
      break;
  }
  switch (e.rounding) {
    case Rounding::half_up:
      return store_codes<V, HalfUp<V>>;
    case Rounding::half_even:
      return store_codes<V, HalfEven<V>>;
    case Rounding::gemmlowp:
      return store_codes<V, Gemmlowp<V>>;
    case Rounding::float32:
      return store_codes<V, Float32<V>>;
  }
  return store_codes<V, HalfUp<V>>;
}

}  // namespace
}  // namespace requant::kernels
