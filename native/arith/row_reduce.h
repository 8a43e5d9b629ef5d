// Reductions along a row of float32, in the one order that every instruction set can follow.
#pragma once

#include <cstddef>

#include "arith/float32_functions.h"
#include "arith/float64_functions.h"

namespace requant::arith {

/// Σ term(k): 16 partial sums, k mod 16, ascending, combined (i, i+8), (i, i+4), (i, i+2), (i, i+1).
template <class Term>
inline float sum_in_order(size_t count, Term term) noexcept {
  float partial[16] = {};
  for (size_t k = 0; k < count; ++k) partial[k % 16] += term(k);
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) partial[i] += partial[i + half];
  }
  return partial[0];
}

inline float row_sum(const float* x, size_t count) noexcept {
  return sum_in_order(count, [=](size_t k) { return x[k]; });
}

inline float row_max(const float* x, size_t count) noexcept {
  float max = x[0];
  for (size_t k = 1; k < count; ++k) max = x[k] > max ? x[k] : max;
  return max;
}

/// y = exp(fl(x − max)); returns Σy.
inline float exponentials(const float* x, size_t count, float max, float* y) noexcept {
  for (size_t k = 0; k < count; ++k) y[k] = exp32(x[k] - max);
  return row_sum(y, count);
}

/// y = fl(y / sum)
inline void divide_by(float sum, size_t count, float* y) noexcept {
  for (size_t k = 0; k < count; ++k) y[k] = y[k] / sum;
}

/// y = fl(fl(x − max) − fl(ln sum))
inline void logarithms(const float* x, size_t count, float max, float sum, float* y) noexcept {
  const auto log_sum = static_cast<float>(log64(static_cast<double>(sum)));
  for (size_t k = 0; k < count; ++k) y[k] = (x[k] - max) - log_sum;
}

/// y = fl(e / Σe), e = exp(fl(x − max x)).
inline void softmax(const float* x, size_t count, float* y) noexcept {
  divide_by(exponentials(x, count, row_max(x, count), y), count, y);
}

/// y = fl(fl(x − max x) − fl(ln Σe)). `y` holds the exponentials in between.
inline void log_softmax(const float* x, size_t count, float* y) noexcept {
  const float max = row_max(x, count);
  logarithms(x, count, max, exponentials(x, count, max, y), y);
}

/// Both, from one set of exponentials.
inline void softmax_and_log(const float* x, size_t count, float* y, float* logs) noexcept {
  const float max = row_max(x, count);
  const float sum = exponentials(x, count, max, y);
  logarithms(x, count, max, sum, logs);
  divide_by(sum, count, y);
}

}  // namespace requant::arith
