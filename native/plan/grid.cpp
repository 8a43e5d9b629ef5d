#include "plan/grid.h"

#include "arith/quantize.h"

namespace requant::plan {

void record_nan(const Block& block, MatrixView<const float> x, size_t row, ValueId value) noexcept {
  if (block.nan_is_zero || (block.nan.found && block.nan.row <= row)) return;
  size_t column = 0;
  while (x.at(row, column) == x.at(row, column)) ++column;
  block.nan = {true, row, column, value};
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
  const bool per_value = grid.scale.size() > 1;
  for (size_t r = 0; r < x.rows; ++r) {
    const bool nan = block.kernel.vector->quantize({x.row(r), x.cols, grid.scale.data(), per_value,
                                                    grid.zero_point, grid.lo, grid.hi, out + r * x.cols});
    if (nan) record_nan(block, x, r, value);
  }
}

void dequantize_block(const kernels::KernelSet& kernel, MatrixView<const uint8_t> codes, const Grid& grid,
                      float* out) noexcept {
  kernel.vector->dequantize({codes.data, codes.rows * codes.cols, grid.scale.front(), grid.zero_point, out});
}

}  // namespace requant::plan
