// The stages that multiply: static int8, dynamic int8, and float32 with float32 or int8 weights.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "base/status.h"
#include "gemm/column_params.h"
#include "gemm/packed_weights.h"
#include "gemm/sgemm.h"
#include "plan/stage.h"

namespace requant::plan {

struct StaticLinearSpec {
  ValueId input, output;
  gemm::WeightSource weight;
  std::span<const int32_t> bias;  // empty or [out]
  int32_t x_zero_point = 0;       // u8 domain
  // Codes out (u8 domain), or float32 out by `scale` = fl(sx·sw).
  std::optional<gemm::RequantizeSpec> requantize;
  std::span<const float> scale;
};

struct DynamicLinearSpec {
  ValueId input, output;
  gemm::WeightSource weight;
  std::span<const float> scale;  // sw, one or [out]
  std::span<const float> bias;   // empty or [out]
};

struct FloatLinearSpec {
  ValueId input, output;
  const float* weight = nullptr;        // [out, in]; or
  const int8_t* int8_weight = nullptr;  // [out, in] with `scale`
  size_t out_features = 0;
  size_t in_features = 0;
  std::span<const float> scale;
  std::span<const float> bias;
};

Result<std::unique_ptr<Stage>> make_static_linear(const kernels::KernelSet& kernel,
                                                  const StaticLinearSpec& spec);
Result<std::unique_ptr<Stage>> make_dynamic_linear(const kernels::KernelSet& kernel,
                                                   const DynamicLinearSpec& spec);
Result<std::unique_ptr<Stage>> make_float_linear(const kernels::KernelSet& kernel,
                                                 const FloatLinearSpec& spec);

}  // namespace requant::plan
