// The operator `qgemm` of requant/kernels: checks its arguments, then drives the kernel over blocks of rows.
#pragma once

#include <optional>

#include "dispatch/registry.h"
#include "gemm/packed_weights.h"
#include "ops/codes.h"

namespace requant::ops {

struct QGemmRequest {
  ConstCodes x;  // [rows, in]
  const gemm::PackedWeights* weights = nullptr;
  int32_t x_zero_point = 0;
  std::span<const int32_t> bias;  // empty or [out]
  // At most one of the two; neither: int32 out.
  std::optional<gemm::RequantizeSpec> requantize;
  std::span<const float> dequantize_scale;
  bool out_is_unsigned = true;  // with requantize
  void* out = nullptr;          // int32_t, one byte or float
  size_t out_size = 0;          // elements
};

Status qgemm(const kernels::KernelSet& kernel, const QGemmRequest& request);

}  // namespace requant::ops
