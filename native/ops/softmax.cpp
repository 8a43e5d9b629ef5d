#include "ops/softmax.h"

#include "arith/row_reduce.h"

namespace requant::ops {

void softmax(const float* x, size_t count, float* y) noexcept { arith::softmax(x, count, y); }

void log_softmax(const float* x, size_t count, float* y) noexcept { arith::log_softmax(x, count, y); }

void softmax_and_log(const float* x, size_t count, float* y, float* logs) noexcept {
  arith::softmax_and_log(x, count, y, logs);
}

}  // namespace requant::ops
