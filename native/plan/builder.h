// Builds a plan stage by stage. Every argument is checked here, so that a plan that exists can be run:
// features and types agree, each value is written once and before it is read, grids and scales are legal.
#pragma once

#include "dispatch/registry.h"
#include "ops/codes.h"
#include "plan/int4_stages.h"
#include "plan/linear_stages.h"
#include "plan/norm_stages.h"
#include "plan/plan.h"
#include "plan/value_stages.h"

namespace requant::plan {

inline constexpr size_t kMaxFeatures = size_t{1} << 24;

class Builder {
 public:
  explicit Builder(const dispatch::Kernel& kernel) : kernel_(*kernel.set) {}

  Status add_value(std::string name, double features, ValueType type);
  Status add(const StaticLinearSpec& spec);
  Status add(const DynamicLinearSpec& spec);
  Status add(const FloatLinearSpec& spec);
  Status add(const Int4LinearSpec& spec);
  Status add(const LayerNormSpec& spec);
  Status add_quantize(ValueId input, ValueId output, Grid grid);
  Status add_dequantize(ValueId input, ValueId output, Grid grid);
  Status add_round_to_grid(ValueId input, ValueId output, const FloatGrid& grid);
  Status add_elementwise(ValueId input, ValueId output, arith::Elementwise function,
                         arith::ElementwiseParams params);
  Status add_lookup(ValueId input, ValueId output, std::span<const uint8_t> table);
  Status add_softmax(ValueId input, ValueId output, bool logarithm);
  Status add_add(ValueId a, ValueId b, ValueId output);
  Status add_concat(std::vector<ValueId> inputs, ValueId output);

  Result<std::shared_ptr<const Plan>> finish(Port input, Port output, const PlanOptions& options);

 private:
  Status check_ids(std::span<const ValueId> inputs, ValueId output) const;
  Status check_wiring(std::span<const ValueId> inputs, ValueId output, ValueType in, ValueType out) const;
  Status check_same_features(ValueId input, ValueId output) const;
  Status check_linear(ValueId input, ValueId output, size_t in_features, size_t out_features) const;
  Status check_port(const char* what, const Port& port, bool scale_per_feature) const;
  Status append(std::unique_ptr<Stage> stage);

  const kernels::KernelSet& kernel_;
  std::vector<Value> values_;
  std::vector<bool> written_;
  std::vector<std::unique_ptr<Stage>> stages_;
};

}  // namespace requant::plan
