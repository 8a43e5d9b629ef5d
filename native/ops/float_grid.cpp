#include "ops/float_grid.h"

#include <limits>
#include <string>

#include "arith/float_grid.h"
#include "base/overlap.h"
#include "ops/codes.h"

namespace requant::ops {

Status check_float_grid(const FloatGrid& grid) {
  if (arith::valid_grid(grid)) return {};
  return {Code::argument,
          "expected a float8 grid with numbers that float32 holds but received scale or largest number " +
              std::to_string(grid.denominator)};
}

void replace_nan(std::span<const float> x, float value, float* out) noexcept {
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] != x[i]) out[i] = value;
  }
}

Status round_to_grid(const kernels::KernelSet& kernel, const FloatGridRequest& request) {
  const size_t rows = request.denominators.size();
  if (rows == 0 || request.x.size() % rows != 0) {
    return {Code::shape, "expected one largest number or scale, or one a row of " +
                             std::to_string(request.x.size()) + " values but received " +
                             std::to_string(rows)};
  }
  if (Status s = check_length("out", request.out.size(), request.x.size()); !s.ok()) return s;
  if (overlap(request.x.data(), request.x.size_bytes(), request.out.data(), request.out.size_bytes()))
    return {Code::argument, "expected out apart from x but received arrays that overlap"};
  FloatGrid grid = request.format;
  for (const float denominator : request.denominators) {
    grid.denominator = static_cast<double>(denominator);
    if (Status s = check_float_grid(grid); !s.ok()) return s;
  }
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

}  // namespace requant::ops
