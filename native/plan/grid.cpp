#include "plan/grid.h"

#include "arith/quantize.h"

namespace requant::plan {

void record_nan(const Block& block, MatrixView<const float> x, ValueId value) noexcept {
  if (block.nan_is_zero) return;
  const size_t rows = block.nan.found ? block.nan.row : x.rows;
  for (size_t row = 0; row < rows; ++row) {
    for (size_t column = 0; column < x.cols; ++column) {
      if (x.at(row, column) == x.at(row, column)) continue;
      block.nan = {true, row, column, value};
      return;
    }
  }
}

Status check_grid(const Grid& grid, size_t features) {
  if (grid.scale.size() != 1 && grid.scale.size() != features) {
    return {Code::shape, "expected scales of length 1 or " + std::to_string(features) + " but received " +
                             std::to_string(grid.scale.size())};
  }
  for (const float scale : grid.scale) {
    if (!arith::valid_scale(scale)) {
      return {Code::argument, "expected scales in [2^-100, 2^126] but received " + std::to_string(scale)};
    }
  }
  if (0 <= grid.lo && grid.lo <= grid.hi && grid.hi <= 255 && 0 <= grid.zero_point &&
      grid.zero_point <= 255) {
    return {};
  }
  return {Code::argument, "expected 0 ≤ lo ≤ hi ≤ 255 and a zero point in 0…255 (u8 domain) but received " +
                              std::to_string(grid.lo) + ", " + std::to_string(grid.hi) + ", " +
                              std::to_string(grid.zero_point)};
}

void quantize_block(const Block& block, MatrixView<const float> x, const Grid& grid, ValueId value,
                    uint8_t* out) noexcept {
  const auto quantize = [&](size_t row, size_t rows, bool per_value) {
    return block.kernel.vector->quantize({x.row(row), rows * x.cols, grid.scale.data(), per_value,
                                          grid.zero_point, grid.lo, grid.hi, out + row * x.cols});
  };
  if (grid.scale.size() == 1) {  // rows without gaps are one long row
    if (quantize(0, x.rows, false)) record_nan(block, x, value);
    return;
  }
  bool nan = false;
  for (size_t r = 0; r < x.rows; ++r) nan |= quantize(r, 1, true);
  if (nan) record_nan(block, x, value);
}

bool quantize_dynamic_row(const Block& block, MatrixView<const float> x, size_t r,
                          arith::DynamicParams& params, uint8_t* out) noexcept {
  const kernels::FiniteRange range = block.kernel.vector->finite_range(x.row(r), x.cols);
  params = arith::dynamic_params(range.min, range.max);
  return block.kernel.vector->quantize(
      {x.row(r), x.cols, &params.scale, false, params.zero_point, 0, 255, out});
}

void dequantize_block(const kernels::KernelSet& kernel, MatrixView<const uint8_t> codes, const Grid& grid,
                      float* out) noexcept {
  kernel.vector->dequantize({codes.data, codes.rows * codes.cols, grid.scale.front(), grid.zero_point, out});
}

}  // namespace requant::plan
