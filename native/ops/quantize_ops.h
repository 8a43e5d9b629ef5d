// requantize, quantizeLinear, dequantizeLinear and dynamicQuantizeLinear of requant/kernels over whole
// arrays.
#pragma once

#include "arith/quantize.h"
#include "kernels/kernel.h"
#include "ops/codes.h"

namespace requant::ops {

/// acc is row-major [rows, columns] with columns = the multipliers' length.
Status requantize(const kernels::KernelSet& kernel, std::span<const int32_t> acc,
                  const gemm::RequantizeSpec& spec, Codes out);

Status quantize_linear(const kernels::KernelSet& kernel, std::span<const float> x, float scale,
                       int32_t zero_point, Codes out);

Status dequantize_linear(const kernels::KernelSet& kernel, ConstCodes q, float scale, int32_t zero_point,
                         std::span<float> out);
Status dequantize_linear(std::span<const int32_t> q, float scale, int32_t zero_point, std::span<float> out);

/// ONNX DynamicQuantizeLinear, per tensor, to uint8.
Status dynamic_quantize_linear(const kernels::KernelSet& kernel, std::span<const float> x,
                               arith::DynamicParams& params, Codes out);

}  // namespace requant::ops
