// Steps of optimizers over a vector type V: arith/optimizers.h, a vector of weights at a time. Internal
// linkage, as in epilogue.h.
#pragma once

#include "kernels/shared/finish.h"

namespace requant::kernels {
namespace {

/// step(i, load, store) for every vector of `count` values; load(p) reads them at p + i, store(p, v) writes.
template <class V, class Step>
[[gnu::always_inline]] inline void each_vector(size_t count, Step step) noexcept {
  size_t i = 0;
  for (; i + V::kLanes <= count; i += V::kLanes) {
    step([=](const float* p) __attribute__((always_inline)) { return V::load(p + i); },
         [=](float* p, typename V::Float v)
             __attribute__((always_inline)) { V::store(p + i, v, V::kLanes); });
  }
  if (const size_t left = count - i; left != 0) {
    step([=](const float* p)
             __attribute__((always_inline)) { return V::load_first(p + i, left, V::set(0.0F)); },
         [=](float* p, typename V::Float v) __attribute__((always_inline)) { V::store(p + i, v, left); });
  }
}

/// fl(x / c) of one c in [2^-12, 1] by a multiplication and two fused multiply-adds: exact for |x| in [2^-90,
/// 2^100] and 0 (Brisebarre, Muller, Raina 2004, "Accelerating Correctly Rounded Floating-Point Division when
/// the Divisor Is Known in Advance"; beyond, the remainder may be no float32, or the first quotient
/// infinite).
template <class V>
class Divisor {
 public:
  using Float = typename V::Float;
  using Int = typename V::Int;

  explicit Divisor(float c) noexcept
      : c_(V::set(c)), inverse_(V::set(1.0F / c)), known_(c >= 0x1p-12F && c <= 1.0F) {}

  /// Whether `quotient` is right for all lanes.
  [[gnu::always_inline]] bool covers(Float x) const noexcept {
    const Int magnitude = V::bit_and(V::bits(x), V::set(0x7FFFFFFF));
    const Int nonzero = V::select(V::greater(magnitude, V::set(0)), magnitude, V::set(kSmallest));
    return known_ &&
           !V::any(V::either(V::greater(V::set(kSmallest), nonzero), V::greater(nonzero, V::set(kLargest))));
  }

  [[gnu::always_inline]] Float quotient(Float x) const noexcept {
    const Float q = V::mul(x, inverse_);
    const Float excess = V::multiply_add(q, c_, V::mul(x, V::set(-1.0F)));  // this way round −0 / c is −0
    return V::negative_multiply_add(excess, inverse_, q);
  }

  [[gnu::always_inline]] Float divide(Float x) const noexcept { return V::div(x, c_); }

 private:
  static constexpr int32_t kSmallest = (127 - 90) << 23;  // 2^-90
  static constexpr int32_t kLargest = (127 + 100) << 23;

  Float c_, inverse_;
  bool known_;
};

template <class V>
void adam_step(const AdamStep& step) noexcept {
  const AdamSettings& s = step.settings;
  const auto beta1 = V::set(s.beta1);
  const auto beta2 = V::set(s.beta2);
  const auto keep1 = V::set(1.0F - s.beta1);
  const auto keep2 = V::set(1.0F - s.beta2);
  const Divisor<V> correction1(s.correction1);
  const Divisor<V> correction2(s.correction2);
  const auto epsilon = V::set(s.epsilon);
  const auto minus_rate = V::set(-s.learning_rate);
  each_vector<V>(step.count, [&](auto load, auto store) __attribute__((always_inline)) {
    const auto g = load(step.gradient);
    const auto m = V::add(V::mul(beta1, load(step.m)), V::mul(keep1, g));
    const auto v = V::add(V::mul(beta2, load(step.v)), V::mul(keep2, V::mul(g, g)));
    auto mean = correction1.quotient(m);
    auto variance = correction2.quotient(v);
    if (!correction1.covers(m) || !correction2.covers(v)) {
      mean = correction1.divide(m);
      variance = correction2.divide(v);
    }
    const auto deviation = V::add(V::sqrt(variance), epsilon);
    const auto change = V::mul(minus_rate, V::div(mean, deviation));
    store(step.m, m);
    store(step.v, v);
    store(step.weight, V::add(load(step.weight), change));
  });
}

template <class V>
void sgd_step(const SgdStep& step) noexcept {
  const auto momentum = V::set(step.settings.momentum);
  const auto minus_rate = V::set(-step.settings.learning_rate);
  each_vector<V>(step.count, [&](auto load, auto store) __attribute__((always_inline)) {
    const auto velocity = V::add(V::mul(momentum, load(step.velocity)), load(step.gradient));
    store(step.velocity, velocity);
    store(step.weight, V::add(load(step.weight), V::mul(minus_rate, velocity)));
  });
}

template <class V>
constexpr OptimizerKernel kOptimizers{adam_step<V>, sgd_step<V>};

}  // namespace
}  // namespace requant::kernels
