// The gradient of layer norm with respect to its input; plain float32, every operation rounded on its own.
#pragma once

#include <cstddef>
#include <limits>

#include "arith/layer_norm.h"

namespace requant::training {

/// With g = dy·weight, r = 1 / sqrt(variance + epsilon) and x̂ = (x − mean)·r:
///   dx = r · (g − mean(g) − x̂ · mean(g·x̂))
/// `weight` null: ones. A row without a result has no gradient either: NaN.
inline void layer_norm_gradient(const float* x, size_t count, float epsilon, const float* weight,
                                const float* dy, float* dx) noexcept {
  const float mean = arith::mean_of(arith::row_sum(x, count), count);
  const float squares = arith::row_square_sum(x, count, mean);
  const float r = arith::has_spread(squares) ? arith::inverse_deviation(squares, count, epsilon)
                                             : std::numeric_limits<float>::quiet_NaN();
  const auto g = [=](size_t k) { return weight != nullptr ? dy[k] * weight[k] : dy[k]; };
  const auto normalized = [=](size_t k) { return (x[k] - mean) * r; };
  const float g_mean = arith::mean_of(arith::sum_in_order(count, g), count);
  const float product_mean =
      arith::mean_of(arith::sum_in_order(count, [=](size_t k) { return g(k) * normalized(k); }), count);
  for (size_t k = 0; k < count; ++k) dx[k] = ((g(k) - g_mean) - normalized(k) * product_mean) * r;
}

}  // namespace requant::training
