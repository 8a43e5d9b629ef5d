// requant/fp8 over whole arrays: rows rounded to floating grids.
#pragma once

#include <span>

#include "base/float_grid.h"
#include "base/status.h"
#include "kernels/kernel.h"

namespace requant::ops {

/// Code::argument where it is not one that arith/float_grid.h takes.
Status check_float_grid(const FloatGrid& grid);

struct FloatGridRequest {
  std::span<const float> x;
  FloatGrid format;                     // its denominator is not looked at
  std::span<const float> denominators;  // one, or one a row of x
  bool scaled = true;                   // else numbers of the grid before it is scaled
  std::span<float> out;                 // as long as x, and apart from it
};

/// NaN gives the NaN 0x7FC00000.
Status round_to_grid(const kernels::KernelSet& kernel, const FloatGridRequest& request);

/// Σ (y − x)² of each row in float64, y as above: 8 partial sums, k mod 8, ascending, combined (i, i+4),
/// (i, i+2), (i, i+1). `errors` is as long as `denominators`.
Status grid_errors(const kernels::KernelSet& kernel, std::span<const float> x, const FloatGrid& format,
                   std::span<const float> denominators, std::span<double> errors);

/// out[i] = value where x[i] is NaN.
void replace_nan(std::span<const float> x, float value, float* out) noexcept;

}  // namespace requant::ops
