#include "plan/builder.h"

#include <algorithm>

#include "ops/float_grid.h"

namespace requant::plan {
namespace {

std::string quoted(const Value& value) { return "'" + value.name + "'"; }

}  // namespace

Status Builder::add_value(std::string name, double features, ValueType type) {
  if (!(features >= 1 && features <= static_cast<double>(kMaxFeatures)) ||
      features != static_cast<double>(static_cast<size_t>(features))) {
    return {Code::shape,
            "expected 1 to 2^24 features for value '" + name + "' but received " + std::to_string(features)};
  }
  values_.push_back({std::move(name), static_cast<size_t>(features), type});
  written_.push_back(false);
  return {};
}

Status Builder::check_ids(std::span<const ValueId> inputs, ValueId output) const {
  const auto exists = [&](ValueId id) { return id < values_.size(); };
  if (!inputs.empty() && exists(output) && std::all_of(inputs.begin(), inputs.end(), exists)) return {};
  return {Code::argument, "expected a stage to name values of the plan"};
}

/// Types agree, the inputs have been written (value 0 is the plan's input), the output has not.
Status Builder::check_wiring(std::span<const ValueId> inputs, ValueId output, ValueType in,
                             ValueType out) const {
  if (Status s = check_ids(inputs, output); !s.ok()) return s;
  for (const ValueId id : inputs) {
    if (id != 0 && !written_[id]) {
      return {Code::argument, "expected value " + quoted(values_[id]) + " to be written before it is read"};
    }
    if (values_[id].type != in) return {Code::dtype, "expected another type of value " + quoted(values_[id])};
  }
  if (output == 0 || written_[output]) {
    return {Code::argument, "expected value " + quoted(values_[output]) + " to be written once"};
  }
  if (values_[output].type != out)
    return {Code::dtype, "expected another type of value " + quoted(values_[output])};
  return {};
}

Status Builder::check_same_features(ValueId input, ValueId output) const {
  if (values_[input].features == values_[output].features) return {};
  return {Code::shape, "expected value " + quoted(values_[output]) + " to have " +
                           std::to_string(values_[input].features) + " features but received " +
                           std::to_string(values_[output].features)};
}

Status Builder::check_linear(ValueId input, ValueId output, size_t in_features, size_t out_features) const {
  if (values_[input].features == in_features && values_[output].features == out_features) return {};
  return {Code::shape, "expected weights of shape [" + std::to_string(values_[output].features) + ", " +
                           std::to_string(values_[input].features) + "] for " + quoted(values_[output]) +
                           " but received [" + std::to_string(out_features) + ", " +
                           std::to_string(in_features) + "]"};
}

Status Builder::append(std::unique_ptr<Stage> stage) {
  written_[stage->output()] = true;
  stages_.push_back(std::move(stage));
  return {};
}

Status Builder::add(const StaticLinearSpec& spec) {
  const ValueType out = spec.requantize ? ValueType::u8 : ValueType::f32;
  if (Status s = check_wiring({&spec.input, 1}, spec.output, ValueType::u8, out); !s.ok()) return s;
  if (Status s = check_linear(spec.input, spec.output, spec.weight.in_features, spec.weight.out_features);
      !s.ok()) {
    return s;
  }
  if (Status s = ops::check_zero_point("the input's zero point (u8 domain)", spec.x_zero_point, true);
      !s.ok()) {
    return s;
  }
  if (spec.requantize) {
    if (Status s = ops::check_requantize(*spec.requantize, true, spec.weight.out_features); !s.ok()) return s;
  }
  auto stage = make_static_linear(kernel_, spec);
  return stage.ok() ? append(std::move(stage.value)) : stage.status;
}

Status Builder::add(const DynamicLinearSpec& spec) {
  if (Status s = check_wiring({&spec.input, 1}, spec.output, ValueType::f32, ValueType::f32); !s.ok())
    return s;
  if (Status s = check_linear(spec.input, spec.output, spec.weight.in_features, spec.weight.out_features);
      !s.ok()) {
    return s;
  }
  auto stage = make_dynamic_linear(kernel_, spec);
  return stage.ok() ? append(std::move(stage.value)) : stage.status;
}

Status Builder::add(const FloatLinearSpec& spec) {
  if (Status s = check_wiring({&spec.input, 1}, spec.output, ValueType::f32, ValueType::f32); !s.ok())
    return s;
  if (Status s = check_linear(spec.input, spec.output, spec.in_features, spec.out_features); !s.ok())
    return s;
  auto stage = make_float_linear(kernel_, spec);
  return stage.ok() ? append(std::move(stage.value)) : stage.status;
}

Status Builder::add(const Int4LinearSpec& spec) {
  if (Status s = check_wiring({&spec.input, 1}, spec.output, ValueType::f32, ValueType::f32); !s.ok())
    return s;
  if (Status s = check_linear(spec.input, spec.output, spec.weight.in_features, spec.weight.out_features);
      !s.ok()) {
    return s;
  }
  auto stage = make_int4_linear(kernel_, spec);
  return stage.ok() ? append(std::move(stage.value)) : stage.status;
}

Status Builder::add(const LayerNormSpec& spec) {
  const ValueType in = spec.grid ? ValueType::u8 : ValueType::f32;
  if (Status s = check_wiring({&spec.input, 1}, spec.output, in, ValueType::f32); !s.ok()) return s;
  if (Status s = check_same_features(spec.input, spec.output); !s.ok()) return s;
  if (spec.grid) {
    if (Status s = check_grid(*spec.grid, 1); !s.ok()) return s;
  }
  auto stage = make_layer_norm(values_[spec.input].features, spec);
  return stage.ok() ? append(std::move(stage.value)) : stage.status;
}

Status Builder::add_quantize(ValueId input, ValueId output, Grid grid) {
  if (Status s = check_wiring({&input, 1}, output, ValueType::f32, ValueType::u8); !s.ok()) return s;
  if (Status s = check_same_features(input, output); !s.ok()) return s;
  if (Status s = check_grid(grid, values_[input].features); !s.ok()) return s;
  return append(make_quantize(input, output, std::move(grid)));
}

Status Builder::add_dequantize(ValueId input, ValueId output, Grid grid) {
  if (Status s = check_wiring({&input, 1}, output, ValueType::u8, ValueType::f32); !s.ok()) return s;
  if (Status s = check_same_features(input, output); !s.ok()) return s;
  if (Status s = check_grid(grid, 1); !s.ok()) return s;
  return append(make_dequantize(input, output, std::move(grid)));
}

[[gnu::cold]] Status Builder::add_round_to_grid(ValueId input, ValueId output, const FloatGrid& grid) {
  if (Status s = check_wiring({&input, 1}, output, ValueType::f32, ValueType::f32); !s.ok()) return s;
  if (Status s = check_same_features(input, output); !s.ok()) return s;
  if (Status s = ops::check_float_grid(grid); !s.ok()) return s;
  return append(make_round_to_grid(input, output, grid));
}

Status Builder::add_elementwise(ValueId input, ValueId output, arith::Elementwise function,
                                arith::ElementwiseParams params) {
  if (Status s = check_wiring({&input, 1}, output, ValueType::f32, ValueType::f32); !s.ok()) return s;
  if (Status s = check_same_features(input, output); !s.ok()) return s;
  return append(make_elementwise(input, output, function, params));
}

Status Builder::add_lookup(ValueId input, ValueId output, std::span<const uint8_t> table) {
  if (Status s = check_wiring({&input, 1}, output, ValueType::u8, ValueType::u8); !s.ok()) return s;
  if (Status s = check_same_features(input, output); !s.ok()) return s;
  if (Status s = ops::check_length("a table", table.size(), 256); !s.ok()) return s;
  return append(make_lookup(dispatch::lookup_of(kernel_), input, output, table.first<256>()));
}

Status Builder::add_softmax(ValueId input, ValueId output, bool logarithm) {
  if (Status s = check_wiring({&input, 1}, output, ValueType::f32, ValueType::f32); !s.ok()) return s;
  if (Status s = check_same_features(input, output); !s.ok()) return s;
  return append(make_softmax(input, output, logarithm));
}

Status Builder::add_add(ValueId a, ValueId b, ValueId output) {
  const ValueId inputs[] = {a, b};
  if (Status s = check_wiring(inputs, output, ValueType::f32, ValueType::f32); !s.ok()) return s;
  if (Status s = check_same_features(a, output); !s.ok()) return s;
  if (Status s = check_same_features(b, output); !s.ok()) return s;
  return append(make_add(a, b, output));
}

Status Builder::add_concat(std::vector<ValueId> inputs, ValueId output) {
  if (Status s = check_ids(inputs, output); !s.ok()) return s;
  const ValueType type = values_[output].type;
  if (Status s = check_wiring(inputs, output, type, type); !s.ok()) return s;
  size_t features = 0;
  for (const ValueId id : inputs) features += values_[id].features;
  if (Status s = ops::check_length("the features of a concat", values_[output].features, features); !s.ok())
    return s;
  return append(make_concat(std::move(inputs), output));
}

Status Builder::check_port(const char* what, const Port& port, bool scale_per_feature) const {
  if (port.value >= values_.size())
    return {Code::argument, std::string("expected an ") + what + " of the plan"};
  const Value& value = values_[port.value];
  const bool codes = port.element != Element::f32;
  if (codes != (value.type == ValueType::u8)) {
    return {Code::dtype,
            std::string("expected the ") + what + "'s element type to fit value " + quoted(value)};
  }
  return codes ? check_grid(port.grid, scale_per_feature ? value.features : 1) : Status{};
}

Result<std::shared_ptr<const Plan>> Builder::finish(Port input, Port output, const PlanOptions& options) {
  if (values_.empty() || input.value != 0) return Status(Code::argument, "expected value 0 to be the input");
  if (Status s = check_port("input", input, true); !s.ok()) return s;
  if (Status s = check_port("output", output, false); !s.ok()) return s;
  if (output.value != 0 && !written_[output.value]) {
    return Status(Code::argument, "expected the output " + quoted(values_[output.value]) + " to be written");
  }
  return std::shared_ptr<const Plan>(std::make_shared<Plan>(kernel_, std::move(values_), std::move(stages_),
                                                            std::move(input), std::move(output), options));
}

}  // namespace requant::plan
