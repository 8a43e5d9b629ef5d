#include "ops/elementwise.h"

namespace requant::ops {

void elementwise(arith::Elementwise function, arith::ElementwiseParams params, const float* x, float* y,
                 size_t count) noexcept {
  arith::apply32(function, params, x, y, count);
}

void elementwise_gradient(arith::Elementwise function, arith::ElementwiseParams params, const float* x,
                          const float* dy, float* dx, size_t count) noexcept {
  arith::gradient32(function, params, x, dy, dx, count);
}

}  // namespace requant::ops
