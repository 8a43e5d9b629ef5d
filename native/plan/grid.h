// The quantization grid of a value inside a plan, in the u8 domain.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arith/quantize.h"
#include "base/matrix_view.h"
#include "base/status.h"
#include "plan/stage.h"

namespace requant::plan {

struct Grid {
  std::vector<float> scale;  // one, or one a feature
  int32_t zero_point = 0;    // u8 domain, as lo and hi
  int32_t lo = 0;
  int32_t hi = 255;
};

Status check_grid(const Grid& grid, size_t features);

/// Remembers the first NaN of a block that holds one, unless NaN counts as zero or an earlier row has one.
void record_nan(const Block& block, MatrixView<const float> x, ValueId value) noexcept;

/// Codes of a float block. A NaN becomes the zero point and, unless NaN counts as zero, is recorded.
void quantize_block(const Block& block, MatrixView<const float> x, const Grid& grid, ValueId value,
                    uint8_t* out) noexcept;
/// Codes of row r with a scale and a zero point of its own; true when it holds a NaN.
bool quantize_dynamic_row(const Block& block, MatrixView<const float> x, size_t r,
                          arith::DynamicParams& params, uint8_t* out) noexcept;
void dequantize_block(const kernels::KernelSet& kernel, MatrixView<const uint8_t> codes, const Grid& grid,
                      float* out) noexcept;

}  // namespace requant::plan
