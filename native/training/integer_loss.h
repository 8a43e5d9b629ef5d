// Logits → errors, loss and right answers, in integers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/matrix_view.h"

namespace requant::training {

struct LossResult {
  int64_t loss = 0;      // sum over the rows, in units of 2^-20
  uint64_t correct = 0;  // rows whose first largest logit is the target's
};

/// E = acc − onehot·2^one, in place. Loss ½·Σ (E / 2^one)², each |E / 2^one| counted as 32 at most.
LossResult square_error(MatrixView<int32_t> logits, const int32_t* targets, int32_t one) noexcept;

/// Softmax cross-entropy of logits acc·2^exponent:
///   d[k] = (max acc − acc[k])·2^exponent, in units of 2^-8 rounded down;  p[k] = 2^15·exp(−d[k]) rounded, 0
///   from d = 16 on;  z = Σ p;  E[k] = floor(p[k]·2^14 / z) − 2^14·[k = target], in place, of exponent −14
/// Loss −ln(p[target] / z) = d[target] + ln(z / 2^15), d at most 2^10.
inline constexpr int32_t kSoftmaxExponent = -14;
LossResult cross_entropy(MatrixView<int32_t> logits, const int32_t* targets, int32_t exponent) noexcept;

}  // namespace requant::training
