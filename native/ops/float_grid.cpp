#include "ops/float_grid.h"

#include <algorithm>
#include <limits>
#include <string>

#include "arith/float_grid.h"
#include "base/overlap.h"
#include "ops/codes.h"

namespace requant::ops {

// gnu::cold: small rather than fast, where a call does little beside what it calls. Nothing that grid_errors
// calls: g++ takes the caller of a cold function for cold, which made it five times slower.

Status check_float_grid(const FloatGrid& grid) {
  if (arith::valid_grid(grid)) return {};
  return {Code::argument,
          "expected a float8 grid with numbers that float32 holds but received scale or largest number " +
              std::to_string(grid.denominator)};
}

[[gnu::cold]] void replace_nan(std::span<const float> x, float value, float* out) noexcept {
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] != x[i]) out[i] = value;
  }
}

namespace {

/// One denominator, or one a row of `values` values, each with a valid grid.
Status check_rows(size_t values, FloatGrid grid, std::span<const float> denominators) {
  const size_t rows = denominators.size();
  if (rows == 0 || values % rows != 0) {
    return {Code::shape, "expected one largest number or scale, or one a row of " + std::to_string(values) +
                             " values but received " + std::to_string(rows)};
  }
  for (const float denominator : denominators) {
    grid.denominator = static_cast<double>(denominator);
    if (Status s = check_float_grid(grid); !s.ok()) return s;
  }
  return {};
}

/// Values rounded at a time when only their errors are wanted: they stay in the L1 cache.
constexpr size_t kPiece = 2048;

constexpr size_t kSums = 8;
static_assert(kPiece % kSums == 0);

/// sums[k] += (y[k] − x[k])² for the first `count` of the sums.
[[gnu::always_inline]] inline void add_errors(const float* x, const float* y, size_t count,
                                              double* __restrict sums) noexcept {
  for (size_t k = 0; k < count; ++k) {
    const double error = static_cast<double>(y[k]) - static_cast<double>(x[k]);
    sums[k] += error * error;
  }
}

double row_error(const kernels::VectorKernel& kernel, std::span<const float> x,
                 const FloatGrid& grid) noexcept {
  double sums[kSums] = {};
  float rounded[kPiece];
  for (size_t i = 0; i < x.size(); i += kPiece) {
    const auto piece = x.subspan(i, std::min(kPiece, x.size() - i));
    kernel.round_to_grid({piece.data(), piece.size(), grid, true, rounded});
    const size_t whole = piece.size() / kSums * kSums;
    for (size_t k = 0; k < whole; k += kSums) add_errors(piece.data() + k, rounded + k, kSums, sums);
    add_errors(piece.data() + whole, rounded + whole, piece.size() - whole, sums);
  }
  for (size_t half = kSums / 2; half > 0; half /= 2)
    for (size_t s = 0; s < half; ++s) sums[s] += sums[s + half];
  return sums[0];
}

}  // namespace

[[gnu::cold]] Status round_to_grid(const kernels::KernelSet& kernel, const FloatGridRequest& request) {
  if (Status s = check_rows(request.x.size(), request.format, request.denominators); !s.ok()) return s;
  if (Status s = check_length("out", request.out.size(), request.x.size()); !s.ok()) return s;
  if (overlap(request.x.data(), request.x.size_bytes(), request.out.data(), request.out.size_bytes()))
    return {Code::argument, "expected out apart from x but received arrays that overlap"};
  FloatGrid grid = request.format;
  const size_t rows = request.denominators.size();
  const size_t count = request.x.size() / rows;
  for (size_t r = 0; r < rows; ++r) {
    const auto x = request.x.subspan(r * count, count);
    float* out = request.out.data() + r * count;
    grid.denominator = static_cast<double>(request.denominators[r]);
    if (kernel.vector->round_to_grid({x.data(), count, grid, request.scaled, out}))
      replace_nan(x, std::numeric_limits<float>::quiet_NaN(), out);
  }
  return {};
}

Status grid_errors(const kernels::KernelSet& kernel, std::span<const float> x, const FloatGrid& format,
                   std::span<const float> denominators, std::span<double> errors) {
  if (Status s = check_rows(x.size(), format, denominators); !s.ok()) return s;
  if (Status s = check_length("errors", errors.size(), denominators.size()); !s.ok()) return s;
  FloatGrid grid = format;
  const size_t count = x.size() / denominators.size();
  for (size_t r = 0; r < denominators.size(); ++r) {
    grid.denominator = static_cast<double>(denominators[r]);
    errors[r] = row_error(*kernel.vector, x.subspan(r * count, count), grid);
  }
  return {};
}

}  // namespace requant::ops
