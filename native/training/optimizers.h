// One step of an optimizer over a parameter array; plain float32 with every operation rounded on its own, so
// the result is the same wherever it runs. The arrays do not overlap: the compiler does several values at a
// time.
#pragma once

#include <cmath>
#include <cstddef>

namespace requant::training {

struct AdamSettings {
  float learning_rate, beta1, beta2, epsilon;
  float correction1, correction2;  // 1 − β1^t, 1 − β2^t
};

/// Kingma & Ba 2015: m = β1·m + (1 − β1)·g, v = β2·v + (1 − β2)·g²,
///   w −= η · (m / (1 − β1^t)) / (sqrt(v / (1 − β2^t)) + ε)
inline void adam_step(const AdamSettings& settings, const float* __restrict gradient, size_t count,
                      float* __restrict weight, float* __restrict m, float* __restrict v) noexcept {
  const AdamSettings s = settings;  // of its own: nothing below can change it
  const float keep1 = 1.0F - s.beta1;
  const float keep2 = 1.0F - s.beta2;
  for (size_t i = 0; i < count; ++i) {
    const float g = gradient[i];
    m[i] = s.beta1 * m[i] + keep1 * g;
    v[i] = s.beta2 * v[i] + keep2 * (g * g);
    const float mean = m[i] / s.correction1;
    const float deviation =
        std::sqrt(v[i] / s.correction2) + s.epsilon;  // IEEE square root: exact everywhere
    weight[i] = weight[i] - s.learning_rate * (mean / deviation);
  }
}

/// v = µ·v + g, w −= η·v (PyTorch's momentum).
inline void sgd_step(float learning_rate, float momentum, const float* __restrict gradient, size_t count,
                     float* __restrict weight, float* __restrict velocity) noexcept {
  for (size_t i = 0; i < count; ++i) {
    velocity[i] = momentum * velocity[i] + gradient[i];
    weight[i] = weight[i] - learning_rate * velocity[i];
  }
}

}  // namespace requant::training
