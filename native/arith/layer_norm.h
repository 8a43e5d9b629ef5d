// Layer norm of a row of n values: the definition of its bits (docs/numerics.md). Kernels do the loops over
// the row; what is computed once a row is computed here, whatever the kernel.
//
//     y[k] = (x[k] − mean) / sqrt(variance + epsilon) · weight[k] + bias[k]     variance = Σ(x − mean)² / n
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "arith/row_reduce.h"

namespace requant::arith {

/// What a row without a result is filled with: one NaN on every CPU, not the one its arithmetic would make.
inline constexpr float kRowWithoutResult = std::numeric_limits<float>::quiet_NaN();

/// fl(Σx / n)
inline float mean_of(float sum, size_t count) noexcept { return sum / static_cast<float>(count); }

/// Σ fl(d·d) with d = fl(x − mean), in the order of row_sum.
inline float row_square_sum(const float* x, size_t count, float mean) noexcept {
  return sum_in_order(count, [=](size_t k) {
    const float d = x[k] - mean;
    return d * d;
  });
}

/// Not so for NaN, for ±Inf, and where Σx or Σd² is beyond float32.
inline bool has_spread(float square_sum) noexcept {
  return square_sum < std::numeric_limits<float>::infinity();
}

/// fl(1 / fl(sqrt(fl(fl(Σd² / n) + epsilon)))), and 0 where the root is 0: the limit of (x − mean) times it,
/// as no value differs from the mean by more than a square can show. IEEE square root and division.
inline float inverse_deviation(float square_sum, size_t count, float epsilon) noexcept {
  const float deviation = std::sqrt(square_sum / static_cast<float>(count) + epsilon);
  return deviation > 0.0F ? 1.0F / deviation : 0.0F;
}

/// fl(fl(fl(fl(x − mean) · factor) · weight) + bias)
inline float normalize(float x, float mean, float factor, float weight, float bias) noexcept {
  return ((x - mean) * factor) * weight + bias;
}

/// Reference of the float32 operator.
inline void layer_norm(const float* x, size_t count, float epsilon, const float* weight, const float* bias,
                       float* y) noexcept {
  const float mean = mean_of(row_sum(x, count), count);
  const float squares = row_square_sum(x, count, mean);
  const float factor = inverse_deviation(squares, count, epsilon);
  for (size_t k = 0; k < count; ++k)
    y[k] = has_spread(squares) ? normalize(x[k], mean, factor, weight[k], bias[k]) : kRowWithoutResult;
}

/// Over codes of scale s the zero point cancels, and so does s but for epsilon:
///
///     (x − mean) / sqrt(variance + epsilon) = (n·q − Σq) / sqrt(n·Σq² − (Σq)² + epsilon·(n/s)²)
///
/// The sums are exact. epsilon·(n/s)², in float64.
inline double code_epsilon(float epsilon, float scale, size_t count) noexcept {
  const double codes = static_cast<double>(count) / static_cast<double>(scale);
  return static_cast<double>(epsilon) * (codes * codes);
}

/// (n·q − Σq) / sqrt(…) = (q − center)·step + offset, center being the integer nearest to the mean: so that
/// nothing cancels.
struct CodeNorm {
  int32_t center = 0;
  float step = 0.0F;
  float offset = 0.0F;
};

/// spread = n·Σq² − (Σq)² ≤ n²·127.5² < 2^63, exact modulo 2^64; r = 1 / sqrt(spread + epsilon) in float64,
/// step = fl32(n·r), offset = fl32(−(Σq − n·center)·r). A row of one code has no spread: step = offset = 0.
inline CodeNorm code_norm(uint64_t sum, uint64_t square_sum, size_t count, double epsilon) noexcept {
  const uint64_t n = count;
  const auto spread = static_cast<int64_t>(n * square_sum - sum * sum);
  const uint64_t center = (2 * sum + n) / (2 * n);
  CodeNorm norm{static_cast<int32_t>(center), 0.0F, 0.0F};
  if (spread == 0) return norm;
  const double inverse = 1.0 / std::sqrt(static_cast<double>(spread) + epsilon);
  const auto rest = static_cast<double>(static_cast<int64_t>(sum) - static_cast<int64_t>(n * center));
  norm.step = static_cast<float>(static_cast<double>(n) * inverse);
  norm.offset = static_cast<float>(-rest * inverse);
  return norm;
}

/// fl(fl(fl(fl(fl(q − center) · step) + offset) · weight) + bias)
inline float normalize_code(uint8_t q, const CodeNorm& norm, float weight, float bias) noexcept {
  const auto steps = static_cast<float>(q - norm.center);
  return (steps * norm.step + norm.offset) * weight + bias;
}

/// Reference of the operator over codes. `epsilon`: code_epsilon.
inline void layer_norm_codes(const uint8_t* q, size_t count, double epsilon, const float* weight,
                             const float* bias, float* y) noexcept {
  uint64_t sum = 0;
  uint64_t square_sum = 0;
  for (size_t k = 0; k < count; ++k) {
    sum += q[k];
    square_sum += uint64_t{q[k]} * q[k];
  }
  const CodeNorm norm = code_norm(sum, square_sum, count, epsilon);
  for (size_t k = 0; k < count; ++k) y[k] = normalize_code(q[k], norm, weight[k], bias[k]);
}

}  // namespace requant::arith
