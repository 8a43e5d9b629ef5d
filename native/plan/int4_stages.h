// The stages that multiply by int4 weights.
#pragma once

#include <memory>
#include <span>

#include "base/status.h"
#include "gemm/packed_int4.h"
#include "plan/stage.h"

namespace requant::plan {

/// Float32 in and out; `activations` says whether the input is quantized row by row on the way.
struct Int4LinearSpec {
  ValueId input, output;
  gemm::Int4Source weight;
  gemm::Int4Activations activations = gemm::Int4Activations::codes;
  std::span<const float> bias;  // empty or [out]
};

Result<std::unique_ptr<Stage>> make_int4_linear(const kernels::KernelSet& kernel, const Int4LinearSpec& spec);

}  // namespace requant::plan
