// Float activations over arrays, and their derivatives: the loops of arith/elementwise.h, compiled once.
#pragma once

#include <cstddef>

#include "arith/elementwise.h"

namespace requant::ops {

/// y[i] = f(x[i]). `y` is `x` or does not overlap it.
void elementwise(arith::Elementwise function, arith::ElementwiseParams params, const float* x, float* y,
                 size_t count) noexcept;

/// dx[i] = fl(dy[i] · f′(x[i])). `dx` is `x` or `dy` or overlaps neither.
void elementwise_gradient(arith::Elementwise function, arith::ElementwiseParams params, const float* x,
                          const float* dy, float* dx, size_t count) noexcept;

}  // namespace requant::ops
