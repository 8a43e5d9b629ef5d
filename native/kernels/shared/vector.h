// Quantize, dequantize and measure rows of any length over a vector type V: partial loads and stores, nothing
// is read beyond the end. Internal linkage, as in epilogue.h.
#pragma once

#include "kernels/shared/finish.h"

namespace requant::kernels {
namespace {

/// The definition: one division a value.
template <class V>
bool quantize_dividing(const QuantizeRow& q) noexcept {
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

/// The same codes without a division a value, for 2^-100 ≤ s ≤ 2^116: Markstein's correction of x·fl(1/s),
///   x = clamp(x, ±1024·s),  q = x·r,  q = fma(fma(−q, s, x), r, q),
/// is fl(x/s) or saturates with it (docs/numerics.md). NaN is only noticed.
template <class V>
class ByReciprocal {
 public:
  explicit ByReciprocal(const QuantizeRow& q) noexcept
      : q_(q),
        scale_(V::set(q.scale[0])),
        reciprocal_(V::set(1.0F / q.scale[0])),
        bound_(V::set(1024.0F * q.scale[0])),
        zero_point_(static_cast<int16_t>(q.zero_point + raise(q))),
        bytes_(static_cast<uint8_t>(q.lo + raise(q)), static_cast<uint8_t>(q.hi + raise(q)),
               static_cast<uint8_t>(raise(q))) {}

  static bool takes(const QuantizeRow& q) noexcept {
    return !q.scale_per_value && q.scale[0] >= 0x1p-100F && q.scale[0] <= 0x1p116F;
  }

  bool run() noexcept {
    constexpr size_t kStep = V::kCodeVectors * V::kLanes;
    size_t i = 0;
    for (; i + kStep <= q_.count; i += kStep) {
      store<V::kCodeVectors>(
          i, [&](auto v) __attribute__((always_inline)) { return V::load(q_.x + i + v * V::kLanes); });
    }
    for (; i < q_.count; i += V::kLanes) {
      store<1>(i, [&](auto) __attribute__((always_inline)) {
        return V::load_first(q_.x + i, q_.count - i, V::set(0.0F));
      });
    }
    return V::any(nan_);
  }

 private:
  using Int = typename V::Int;
  using Float = typename V::Float;

  /// int8 codes are made in the u8 domain.
  static int32_t raise(const QuantizeRow& q) noexcept { return q.lo < 0 ? 128 : 0; }

  template <int Vectors, class Load>
  [[gnu::always_inline]] void store(size_t i, Load load) noexcept {
    Float x[Vectors];
    Int steps[Vectors];
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) { x[v] = load(v); });
    unroll<(Vectors + 1) / 2>([&](auto pair) __attribute__((always_inline)) {
      constexpr int kFirst = 2 * decltype(pair)::value;
      constexpr int kSecond = kFirst + 1 < Vectors ? kFirst + 1 : kFirst;
      nan_ = V::either(nan_, V::either_is_nan(x[kFirst], x[kSecond]));
    });
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) { steps[v] = V::round(quotient(x[v])); });
    typename V::Words codes(steps);
    codes.add(zero_point_);
    bytes_.store(q_.out + i, codes, minimum(Vectors * V::kLanes, q_.count - i));
  }

  [[gnu::always_inline]] Float quotient(Float x) const noexcept {
    x = V::limit(x, bound_);
    const Float q = V::mul(x, reciprocal_);
    return V::multiply_add(V::negative_multiply_add(q, scale_, x), reciprocal_, q);
  }

  const QuantizeRow& q_;
  Float scale_, reciprocal_, bound_;
  int16_t zero_point_;
  typename V::CodeBytes bytes_;
  typename V::Mask nan_ = V::no_nan();
};

template <class V>
bool quantize(const QuantizeRow& q) noexcept {
  if (!ByReciprocal<V>::takes(q)) return quantize_dividing<V>(q);
  // NaN is rare: then the row is done again, which gives it the zero point.
  return ByReciprocal<V>(q).run() && quantize_dividing<V>(q);
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

/// Vectors whose minima and maxima are in flight at a time.
constexpr int kRangeVectors = 2;

/// min and max over lanes, started from +0; equal values keep what was there, so that −0 never shows.
template <class V>
class RangeOfLanes {
 public:
  [[gnu::always_inline]] void add(int i, typename V::Float x) noexcept {
    // 0·x is NaN for what is not finite.
    const auto finite = V::zero_where(V::is_nan(V::mul(x, V::set(0.0F))), x);
    min_[i] = V::min(finite, min_[i]);
    max_[i] = V::max(finite, max_[i]);
  }

  FiniteRange get() const noexcept {
    float lanes[2][V::kLanes];
    V::store(lanes[0], V::min(min_[0], min_[1]), V::kLanes);
    V::store(lanes[1], V::max(max_[0], max_[1]), V::kLanes);
    FiniteRange range;
    for (size_t i = 0; i < V::kLanes; ++i) {
      range.min = lanes[0][i] < range.min ? lanes[0][i] : range.min;
      range.max = lanes[1][i] > range.max ? lanes[1][i] : range.max;
    }
    return range;
  }

 private:
  typename V::Float min_[kRangeVectors] = {V::set(0.0F), V::set(0.0F)};
  typename V::Float max_[kRangeVectors] = {V::set(0.0F), V::set(0.0F)};
};

template <class V>
FiniteRange finite_range(const float* x, size_t count) noexcept {
  constexpr size_t kStep = kRangeVectors * V::kLanes;
  RangeOfLanes<V> range;
  size_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    unroll<kRangeVectors>(
        [&](auto v) __attribute__((always_inline)) { range.add(v, V::load(x + i + v * V::kLanes)); });
  }
  for (; i < count; i += V::kLanes) range.add(0, V::load_first(x + i, count - i, V::set(0.0F)));
  return range.get();
}

}  // namespace
}  // namespace requant::kernels
