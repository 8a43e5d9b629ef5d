// Steps of optimizers over a vector type V: arith/optimizers.h, a vector of weights at a time. Internal
// linkage, as in epilogue.h.
#pragma once

#include <cmath>

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
/// 2^100] and +0 (Brisebarre, Muller, Raina 2004, "Accelerating Correctly Rounded Floating-Point Division
/// when the Divisor Is Known in Advance"; beyond, the remainder may be no float32, or the first quotient
/// infinite).
template <class V>
class Divisor {
 public:
  using Float = typename V::Float;
  using Int = typename V::Int;
  using Mask = typename V::Mask;

  explicit Divisor(float c) noexcept
      : c_(V::set(c)), inverse_(V::set(1.0F / c)), known_(c >= 0x1p-12F && c <= 1.0F) {}

  bool known() const noexcept { return known_; }

  [[gnu::always_inline]] Float quotient(Float x) const noexcept {
    const Float q = V::mul(x, inverse_);
    return V::multiply_add(V::negative_multiply_add(q, c_, x), inverse_, q);
  }

  [[gnu::always_inline]] Float divide(Float x) const noexcept { return V::div(x, c_); }

  [[gnu::always_inline]] static Int magnitude(Float x) noexcept {
    return V::bit_and(V::bits(x), V::set(0x7FFFFFFF));
  }
  [[gnu::always_inline]] static Mask below(Int magnitude) noexcept {
    return V::greater(V::set(kSmallest), magnitude);
  }
  [[gnu::always_inline]] static Mask above(Int magnitude) noexcept {
    return V::greater(magnitude, V::set(kLargest));
  }

  static constexpr int32_t kSmallest = (127 - 90) << 23;  // 2^-90
  static constexpr int32_t kLargest = (127 + 100) << 23;

 private:
  Float c_, inverse_;
  bool known_;
};

/// m / c1 and v / c2 of a step.
template <class V>
class CorrectedMoments {
 public:
  using Float = typename V::Float;
  using Int = typename V::Int;

  explicit CorrectedMoments(const AdamSettings& s) noexcept
      : first_(s.correction1),
        second_(s.correction2),
        usual_(first_.known() && second_.known() && std::fabs(s.learning_rate) <= 1.0F &&
               s.epsilon >= 0x1p-30F) {}

  /// An m below 2^-90 counts as 0 where |weight| ≥ 2^-20: the step would be at most 2^-90 · 2^12 / ε · rate ≤
  /// 2^-48, and the weight stays as it is. (Means of gradients that have become 0 stay subnormal forever, and
  /// subnormal numbers are slow.)
  [[gnu::always_inline]] void of(Float weight, Float m, Float v, Float& mean,
                                 Float& variance) const noexcept {
    using D = Divisor<V>;
    const Int m_size = D::magnitude(m);
    const Int v_size = D::magnitude(v);
    const Int light = V::max(V::sub(m_size, V::set(D::kSmallest)),
                             V::sub(D::magnitude(weight), V::set(kHeavy)));  // < 0: both are small
    const Int v_nonzero = V::select(V::greater(v_size, V::set(0)), v_size, V::set(D::kSmallest));
    const auto unusual = V::either(V::either(V::greater(V::set(0), light), D::above(m_size)),
                                   V::either(D::below(v_nonzero), D::above(v_nonzero)));
    if (usual_ && !V::any(unusual)) {
      mean = first_.quotient(V::zero_where(D::below(m_size), m));
      variance = second_.quotient(v);
    } else {
      mean = first_.divide(m);
      variance = second_.divide(v);
    }
  }

 private:
  static constexpr int32_t kHeavy = (127 - 20) << 23;

  Divisor<V> first_, second_;
  bool usual_;
};

template <class V>
void adam_step(const AdamStep& step) noexcept {
  const AdamSettings& s = step.settings;
  const auto beta1 = V::set(s.beta1);
  const auto beta2 = V::set(s.beta2);
  const auto keep1 = V::set(1.0F - s.beta1);
  const auto keep2 = V::set(1.0F - s.beta2);
  const CorrectedMoments<V> moments(s);
  const auto epsilon = V::set(s.epsilon);
  const auto minus_rate = V::set(-s.learning_rate);
  each_vector<V>(step.count, [&](auto load, auto store) __attribute__((always_inline)) {
    const auto g = load(step.gradient);
    const auto m = V::add(V::mul(beta1, load(step.m)), V::mul(keep1, g));
    const auto v = V::add(V::mul(beta2, load(step.v)), V::mul(keep2, V::mul(g, g)));
    const auto weight = load(step.weight);
    typename V::Float mean, variance;
    moments.of(weight, m, v, mean, variance);
    const auto deviation = V::add(V::sqrt(variance), epsilon);
    const auto change = V::mul(minus_rate, V::div(mean, deviation));
    store(step.m, m);
    store(step.v, v);
    store(step.weight, V::add(weight, change));
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
