// Any program a plan can be made of, from bytes: mostly right, with a fault here and there.
#pragma once

#include <vector>

#include "bytes.h"
#include "plan/builder.h"

namespace requant::fuzz {

/// The kinds of a stage, in the order in which bytes name them.
enum class Op : uint8_t {
  static_codes,
  static_floats,
  dynamic_linear,
  float_linear,
  weight_only,
  int4_linear,
  quantize,
  dequantize,
  elementwise,
  lookup,
  softmax,
  log_softmax,
  layer_norm,
  layer_norm_codes,
  add,
  concat,
  last = concat
};

/// A stage with everything it may need, in memory of its own.
struct StageData {
  Op op = Op::add;
  std::vector<plan::ValueId> inputs;
  plan::ValueId output = 0;

  size_t out_features = 0, in_features = 0;
  std::vector<uint8_t> weight;  // int8, uint8 or int4
  std::vector<float> float_weight;
  bool is_unsigned = false;
  std::vector<int32_t> weight_zero_points;
  std::vector<int32_t> bias;
  std::vector<float> float_bias;
  std::vector<float> scale;
  int32_t x_zero_point = 0;

  kernels::Rounding rounding = kernels::Rounding::half_up;
  std::vector<int32_t> multiplier, shift;
  std::vector<float> real_multiplier;
  int32_t zero_point = 0, lo = 0, hi = 255;

  double epsilon = 1e-5;
  std::vector<float> norm_weight, norm_bias;

  size_t group_size = 32;
  gemm::Int4Activations activations = gemm::Int4Activations::codes;

  std::vector<uint8_t> table;
  arith::Elementwise function = arith::Elementwise::relu;
  arith::ElementwiseParams params;
};

struct ValueData {
  double features = 1;
  plan::ValueType type = plan::ValueType::f32;
};

struct Program {
  std::vector<ValueData> values;
  std::vector<StageData> stages;
  plan::Port input, output;
  bool observable = false;
};

Program decode_program(Bytes& bytes);

/// As the addon does: sizes of weights are checked here, all else by the builder.
Result<std::shared_ptr<const plan::Plan>> build(const Program& program, const dispatch::Kernel& kernel,
                                                const plan::PlanOptions& options);

}  // namespace requant::fuzz
