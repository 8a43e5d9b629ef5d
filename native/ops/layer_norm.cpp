#include "ops/layer_norm.h"

#include <algorithm>
#include <string>

#include "arith/layer_norm.h"
#include "ops/codes.h"

namespace requant::ops {
namespace {

/// v·1 and v + (−0) are v, bit for bit.
constexpr float kNoWeight = 1.0F;
constexpr float kNoBias = -0.0F;

std::vector<float> filled(std::span<const float> given, size_t features, float otherwise) {
  if (given.empty()) return std::vector<float>(features, otherwise);
  return {given.begin(), given.end()};
}

}  // namespace

Result<LayerNorm> LayerNorm::make(size_t features, double epsilon, std::span<const float> weight,
                                  std::span<const float> bias) {
  LayerNorm norm;
  norm.epsilon_ = static_cast<float>(epsilon);
  if (!(norm.epsilon_ >= 0.0F && norm.epsilon_ <= std::numeric_limits<float>::max())) {
    return Status(Code::argument,
                  "expected a finite epsilon ≥ 0 of layer norm but received " + std::to_string(epsilon));
  }
  if (!weight.empty()) {
    if (Status s = check_length("the weight of layer norm", weight.size(), features); !s.ok()) return s;
  }
  if (!bias.empty()) {
    if (Status s = check_length("the bias of layer norm", bias.size(), features); !s.ok()) return s;
  }
  norm.weight_ = filled(weight, features, kNoWeight);
  norm.bias_ = filled(bias, features, kNoBias);
  return norm;
}

void LayerNorm::row(const kernels::NormKernel& kernel, const float* x, float* y) const noexcept {
  const size_t n = features();
  const float mean = arith::mean_of(kernel.sum(x, n), n);
  const float squares = kernel.square_sum(x, n, mean);
  if (!arith::has_spread(squares)) {
    std::fill_n(y, n, arith::kRowWithoutResult);
    return;
  }
  const float factor = arith::inverse_deviation(squares, n, epsilon_);
  kernel.normalize({x, n, mean, factor, weight_.data(), bias_.data(), y});
}

void LayerNorm::codes_row(const kernels::NormKernel& kernel, const uint8_t* q, double epsilon,
                          float* y) const noexcept {
  const size_t n = features();
  const kernels::CodeSums sums = kernel.code_sums(q, n);
  const arith::CodeNorm norm = arith::code_norm(sums.sum, sums.square_sum, n, epsilon);
  kernel.normalize_codes({q, n, norm.center, norm.step, norm.offset, weight_.data(), bias_.data(), y});
}

}  // namespace requant::ops
