// Settings of optimizers, for one step.
#pragma once

namespace requant {

struct AdamSettings {
  float learning_rate, beta1, beta2, epsilon;
  float correction1, correction2;  // 1 − β1^t, 1 − β2^t
};

struct SgdSettings {
  float learning_rate, momentum;
};

}  // namespace requant
