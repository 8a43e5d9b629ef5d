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

template <class V>
void adam_step(const AdamStep& step) noexcept {
  const AdamSettings& s = step.settings;
  const auto beta1 = V::set(s.beta1);
  const auto beta2 = V::set(s.beta2);
  const auto keep1 = V::set(1.0F - s.beta1);
  const auto keep2 = V::set(1.0F - s.beta2);
  const auto correction1 = V::set(s.correction1);
  const auto correction2 = V::set(s.correction2);
  const auto epsilon = V::set(s.epsilon);
  const auto minus_rate = V::set(-s.learning_rate);
  each_vector<V>(step.count, [&](auto load, auto store) __attribute__((always_inline)) {
    const auto g = load(step.gradient);
    const auto m = V::add(V::mul(beta1, load(step.m)), V::mul(keep1, g));
    const auto v = V::add(V::mul(beta2, load(step.v)), V::mul(keep2, V::mul(g, g)));
    const auto deviation = V::add(V::sqrt(V::div(v, correction2)), epsilon);
    const auto change = V::mul(minus_rate, V::div(V::div(m, correction1), deviation));
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
