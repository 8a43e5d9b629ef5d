// One step of an optimizer for one weight; plain float32 with every operation rounded on its own, so the
// result is the same wherever it runs.
#pragma once

#include <cmath>

#include "base/optimizers.h"

namespace requant::arith {

/// Kingma & Ba 2015: m = β1·m + (1 − β1)·g, v = β2·v + (1 − β2)·g²,
///   w −= η · (m / (1 − β1^t)) / (sqrt(v / (1 − β2^t)) + ε)
inline void adam_step(const AdamSettings& s, float g, float& weight, float& m, float& v) noexcept {
  m = s.beta1 * m + (1.0F - s.beta1) * g;
  v = s.beta2 * v + (1.0F - s.beta2) * (g * g);
  const float mean = m / s.correction1;
  const float deviation = std::sqrt(v / s.correction2) + s.epsilon;  // IEEE square root: exact everywhere
  weight = weight - s.learning_rate * (mean / deviation);
}

/// v = µ·v + g, w −= η·v (PyTorch's momentum).
inline void sgd_step(const SgdSettings& s, float g, float& weight, float& velocity) noexcept {
  velocity = s.momentum * velocity + g;
  weight = weight - s.learning_rate * velocity;
}

}  // namespace requant::arith
