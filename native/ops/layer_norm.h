// Layer norm of rows: what is computed once a row, around the kernels' loops over it.
#pragma once

#include <span>
#include <vector>

#include "base/status.h"
#include "kernels/kernel.h"

namespace requant::ops {

/// Weight and bias of each feature, and epsilon.
class LayerNorm {
 public:
  /// An empty weight or bias is none. Errors: shape, argument (epsilon is not finite, or below 0).
  static Result<LayerNorm> make(size_t features, double epsilon, std::span<const float> weight,
                                std::span<const float> bias);
  LayerNorm() = default;

  /// A row whose sums are not finite (NaN, ±Inf, values beyond 10^19) gives NaN in every feature.
  void row(const kernels::NormKernel& kernel, const float* x, float* y) const noexcept;
  /// The row's codes; `epsilon` is arith::code_epsilon.
  void codes_row(const kernels::NormKernel& kernel, const uint8_t* q, double epsilon,
                 float* y) const noexcept;

  size_t features() const noexcept { return weight_.size(); }
  float epsilon() const noexcept { return epsilon_; }
  size_t bytes() const noexcept { return (weight_.size() + bias_.size()) * sizeof(float); }

 private:
  float epsilon_ = 0.0F;
  std::vector<float> weight_, bias_;
};

}  // namespace requant::ops
