// Softmax of a row, and its logarithm: arith/row_reduce.h, compiled once.
#pragma once

#include <cstddef>

namespace requant::ops {

/// The arrays do not overlap.
void softmax(const float* x, size_t count, float* y) noexcept;
void log_softmax(const float* x, size_t count, float* y) noexcept;

/// Both, from one set of exponentials.
void softmax_and_log(const float* x, size_t count, float* y, float* logs) noexcept;

}  // namespace requant::ops
