#include "program.h"

#include <algorithm>
#include <string>

#include "ops/codes.h"

namespace requant::fuzz {
namespace {

using plan::Element;
using plan::ValueId;
using plan::ValueType;

constexpr size_t kMaxStages = 12;
/// Weights of a program: what is larger finds nothing that this does not, and takes its time.
constexpr size_t kMaxWeights = size_t{1} << 16;

bool reads_codes(Op op) {
  return op == Op::static_codes || op == Op::static_floats || op == Op::dequantize || op == Op::lookup ||
         op == Op::layer_norm_codes;
}
bool writes_codes(Op op) { return op == Op::static_codes || op == Op::quantize || op == Op::lookup; }
bool is_linear(Op op) { return op <= Op::int4_linear; }

class Decoder {
 public:
  explicit Decoder(Bytes& bytes) : bytes_(bytes) {}

  Program program() {
    add_value(features(), bytes_.below(2) == 0 ? ValueType::f32 : ValueType::u8);
    const size_t stages = 1 + bytes_.below(kMaxStages);
    for (size_t i = 0; i < stages && !bytes_.empty(); ++i) program_.stages.push_back(stage());
    program_.observable = bytes_.below(8) == 0;
    program_.input = port(bytes_.fault() ? bytes_.below(4) : 0, true);
    program_.output = port(bytes_.fault() ? bytes_.byte() : program_.values.size() - 1, false);
    return std::move(program_);
  }

 private:
  /// Small and odd ones mostly; some that fill panels or call for threads.
  size_t features() {
    const uint8_t kind = bytes_.byte();
    if (kind < 200) return 1 + kind % 70;
    static constexpr size_t kEdges[] = {64, 65, 127, 128, 129, 192, 255, 256, 257, 384, 512, 640};
    return kEdges[kind % std::size(kEdges)];
  }

  ValueId add_value(size_t features, ValueType type) {
    auto size = static_cast<double>(features);
    if (bytes_.byte() == 255) {
      static constexpr double kWrong[] = {0, -1, 1.5, 0x1p24 + 1, 1e300};
      size = kWrong[bytes_.below(std::size(kWrong))];
    }
    if (bytes_.byte() == 255) type = type == ValueType::f32 ? ValueType::u8 : ValueType::f32;
    program_.values.push_back({size, type});
    return program_.values.size() - 1;
  }

  size_t features_of(ValueId id) const {
    const double features = id < program_.values.size() ? program_.values[id].features : 1;
    return features >= 1 && features <= 4096 ? static_cast<size_t>(features) : 1;
  }

  /// A value of the type, the last one or an earlier one; with a fault any number.
  ValueId pick(bool codes) {
    if (bytes_.fault()) return bytes_.byte();
    const size_t count = program_.values.size();
    const size_t back = bytes_.byte();
    const ValueType type = codes ? ValueType::u8 : ValueType::f32;
    for (size_t i = 0; i < count; ++i) {
      const ValueId id = count - 1 - (back + i) % count;
      if (program_.values[id].type == type) return id;
    }
    return count - 1;
  }

  StageData stage() {
    StageData s;
    s.op = static_cast<Op>(bytes_.below(static_cast<size_t>(Op::last) + 1));
    if (s.op == Op::concat) {
      const bool codes = bytes_.below(2) == 0;
      for (size_t i = bytes_.length(2); i > 0; --i) s.inputs.push_back(pick(codes));
      wire(s, codes);
      return s;
    }
    s.inputs.push_back(pick(reads_codes(s.op)));
    if (s.op == Op::add) s.inputs.push_back(bytes_.below(3) == 0 ? pick(false) : s.inputs.front());
    wire(s, writes_codes(s.op));
    if (is_linear(s.op)) {
      linear(s);
    } else {
      plain(s);
    }
    return s;
  }

  /// Features and the output of a stage.
  void wire(StageData& s, bool codes_out) {
    s.in_features = s.inputs.empty() ? 1 : features_of(s.inputs.front());
    s.out_features = s.in_features;
    if (s.op == Op::concat) {
      s.out_features = 0;
      for (const ValueId id : s.inputs) s.out_features += features_of(id);
    } else if (is_linear(s.op)) {
      s.out_features = std::clamp(features(), size_t{1}, std::max<size_t>(left_ / s.in_features, 1));
      left_ -= std::min(left_, s.out_features * s.in_features);
    }
    const size_t features = bytes_.length(s.out_features);
    s.output = add_value(features, codes_out ? ValueType::u8 : ValueType::f32);
    if (bytes_.fault()) s.output = bytes_.byte();
  }

  void linear(StageData& s) {
    const size_t out = s.out_features;
    if (s.op == Op::int4_linear) return int4(s);
    s.is_unsigned = bytes_.below(3) == 0 && s.op != Op::weight_only;
    const size_t size = bytes_.length(out * s.in_features);
    if (s.op == Op::float_linear) {
      s.float_weight = bytes_.numbers(size);
    } else {
      s.weight = bytes_.codes(size);
    }
    const bool is_static = s.op == Op::static_codes || s.op == Op::static_floats;
    if (bytes_.below(3) == 0) zero_points(s);
    if (bytes_.below(4) != 0) {
      if (is_static) s.bias = bytes_.integers(bytes_.length(out));
      if (!is_static) s.float_bias = bytes_.numbers(bytes_.length(out));
    }
    if (s.op == Op::static_codes) requantize(s);
    if (s.op != Op::static_codes && s.op != Op::float_linear)
      s.scale = bytes_.scales(bytes_.length(bytes_.below(2) == 0 ? 1 : out));
    s.x_zero_point = bytes_.fault() ? bytes_.integer() : bytes_.byte();
  }

  void zero_points(StageData& s) {
    s.weight_zero_points.resize(bytes_.length(bytes_.below(2) == 0 ? 1 : s.out_features));
    const int32_t offset = s.is_unsigned ? 0 : 128;
    for (int32_t& z : s.weight_zero_points) z = bytes_.byte() - offset;
    if (bytes_.fault() && !s.weight_zero_points.empty()) s.weight_zero_points.back() = bytes_.integer();
  }

  void requantize(StageData& s) {
    s.rounding = static_cast<kernels::Rounding>(bytes_.below(4));
    const size_t length = bytes_.length(bytes_.below(3) == 0 ? 1 : s.out_features);
    if (s.rounding == kernels::Rounding::float32 && bytes_.below(2) == 0) {
      s.real_multiplier = bytes_.scales(length);
    } else {
      test::Random random(bytes_.word());
      // Some with a short fraction: the columns that one fused multiply-add rounds.
      const int32_t mask = bytes_.below(2) == 0 ? -1 : ~0x7F;
      const auto shift = static_cast<int32_t>(25 + bytes_.below(39));
      for (size_t i = 0; i < length; ++i) {
        s.multiplier.push_back(
            random.chance(20) ? 0 : static_cast<int32_t>(random.between(1 << 30, INT32_MAX)) & mask);
        s.shift.push_back(std::min(63, shift + static_cast<int32_t>(random.between(0, 3))));
      }
      if (bytes_.fault() && length > 0) s.multiplier[0] = bytes_.integer();
      if (bytes_.fault() && length > 0) s.shift.back() = bytes_.integer();
      if (bytes_.fault()) s.shift.resize(bytes_.length(length));
    }
    bounds(s);
  }

  void bounds(StageData& s) {
    s.zero_point = bytes_.fault() ? bytes_.integer() : bytes_.byte();
    if (bytes_.below(2) == 0) return;
    s.lo = bytes_.fault() ? bytes_.integer() : bytes_.byte() % 128;
    s.hi = bytes_.fault() ? bytes_.integer() : 128 + bytes_.byte() % 128;
  }

  void int4(StageData& s) {
    static constexpr size_t kGroups[] = {32, 64, 128};
    s.group_size = bytes_.fault() ? bytes_.byte() + 1U : kGroups[bytes_.below(3)];
    s.activations = bytes_.below(2) == 0 ? gemm::Int4Activations::codes : gemm::Int4Activations::float32;
    const gemm::Int4Source sizes{{}, s.out_features, s.in_features, s.group_size, {}};
    s.weight = bytes_.codes(bytes_.length(s.out_features * sizes.row_bytes()));
    if (!bytes_.fault()) make_nibbles_legal(s, sizes.row_bytes());
    s.scale = bytes_.scales(bytes_.length(s.out_features * sizes.groups()));
    if (bytes_.below(2) == 0) s.float_bias = bytes_.numbers(bytes_.length(s.out_features));
  }

  static void make_nibbles_legal(StageData& s, size_t row_bytes) {
    for (size_t i = 0; i < s.weight.size(); ++i) {
      uint8_t& w = s.weight[i];
      if ((w & 0x0F) == 0x08) w ^= 0x01;
      if ((w & 0xF0) == 0x80) w ^= 0x10;
      if (s.in_features % 2 != 0 && (i + 1) % row_bytes == 0) w &= 0x0F;
    }
  }

  void plain(StageData& s) {
    if (s.op == Op::quantize || s.op == Op::dequantize) {
      s.scale =
          bytes_.scales(bytes_.length(s.op == Op::quantize && bytes_.below(3) == 0 ? s.in_features : 1));
      bounds(s);
    } else if (s.op == Op::layer_norm || s.op == Op::layer_norm_codes) {
      layer_norm(s);
    } else if (s.op == Op::lookup) {
      s.table = bytes_.codes(bytes_.length(256));
    } else if (s.op == Op::elementwise) {
      s.function = static_cast<arith::Elementwise>(bytes_.below(12));
      s.params = {test::Random(bytes_.byte()).unit(), 1.0 + test::Random(bytes_.byte()).unit()};
    }
  }

  void layer_norm(StageData& s) {
    static constexpr double kEpsilons[] = {1e-5, 0.0, 1.0, 0x1p-149};
    s.epsilon = bytes_.fault() ? -1.0 : kEpsilons[bytes_.below(std::size(kEpsilons))];
    if (bytes_.below(2) == 0) s.norm_weight = bytes_.numbers(bytes_.length(s.in_features));
    if (bytes_.below(2) == 0) s.norm_bias = bytes_.numbers(bytes_.length(s.in_features));
    if (s.op == Op::layer_norm) return;
    s.scale = bytes_.scales(bytes_.length(1));
    bounds(s);
  }

  plan::Port port(ValueId id, bool is_input) {
    plan::Port port{id, Element::f32, {}};
    const bool codes = id < program_.values.size() && program_.values[id].type == ValueType::u8;
    if (codes != bytes_.fault()) {
      port.element = bytes_.below(2) == 0 ? Element::u8 : Element::s8;
      StageData grid;
      grid.scale = bytes_.scales(bytes_.length(is_input && bytes_.below(3) == 0 ? features_of(id) : 1));
      bounds(grid);
      port.grid = {grid.scale, grid.zero_point, grid.lo, grid.hi};
    }
    return port;
  }

  Bytes& bytes_;
  Program program_;
  size_t left_ = kMaxWeights;
};

Status add_int8(plan::Builder& builder, const StageData& s) {
  const ValueId in = s.inputs.front();
  const gemm::WeightSource weight{s.weight.data(), s.is_unsigned, s.out_features, s.in_features,
                                  s.weight_zero_points};
  if (Status status = ops::check_weights(weight, s.weight.size()); !status.ok()) return status;
  if (s.op == Op::dynamic_linear)
    return builder.add(plan::DynamicLinearSpec{in, s.output, weight, s.scale, s.float_bias});
  plan::StaticLinearSpec spec{in, s.output, weight, s.bias, s.x_zero_point, {}, s.scale};
  if (s.op == Op::static_codes) {
    spec.requantize =
        gemm::RequantizeSpec{s.rounding, s.multiplier, s.shift, s.real_multiplier, s.zero_point, s.lo, s.hi};
  }
  return builder.add(spec);
}

Status add_float(plan::Builder& builder, const StageData& s) {
  const bool is_int8 = s.op == Op::weight_only;
  plan::FloatLinearSpec spec{s.inputs.front(), s.output, s.float_weight.data(), nullptr, s.out_features,
                             s.in_features,    s.scale,  s.float_bias};
  if (is_int8) {
    spec.weight = nullptr;
    spec.int8_weight = reinterpret_cast<const int8_t*>(s.weight.data());
    if (s.scale.empty()) return {Code::shape, "expected a scale, by which the addon knows int8 weights"};
  }
  const size_t size = is_int8 ? s.weight.size() : s.float_weight.size();
  if (Status status = ops::check_weights({nullptr, false, s.out_features, s.in_features, {}}, size);
      !status.ok()) {
    return status;
  }
  return builder.add(spec);
}

Status add(plan::Builder& builder, const StageData& s) {
  if (s.inputs.empty()) return {Code::argument, "expected a stage to have inputs"};
  const ValueId in = s.inputs.front();
  const plan::Grid grid{s.scale, s.zero_point, s.lo, s.hi};
  switch (s.op) {
    case Op::static_codes:
    case Op::static_floats:
    case Op::dynamic_linear:
      return add_int8(builder, s);
    case Op::float_linear:
    case Op::weight_only:
      return add_float(builder, s);
    case Op::int4_linear:
      return builder.add(
          plan::Int4LinearSpec{in,
                               s.output,
                               {s.weight, s.out_features, s.in_features, s.group_size, s.scale},
                               s.activations,
                               s.float_bias});
    case Op::quantize:
      return builder.add_quantize(in, s.output, grid);
    case Op::dequantize:
      return builder.add_dequantize(in, s.output, grid);
    case Op::elementwise:
      return builder.add_elementwise(in, s.output, s.function, s.params);
    case Op::lookup:
      return builder.add_lookup(in, s.output, s.table);
    case Op::softmax:
      return builder.add_softmax(in, s.output, false);
    case Op::log_softmax:
      return builder.add_softmax(in, s.output, true);
    case Op::layer_norm:
      return builder.add(plan::LayerNormSpec{in, s.output, s.epsilon, s.norm_weight, s.norm_bias, {}});
    case Op::layer_norm_codes:
      return builder.add(plan::LayerNormSpec{in, s.output, s.epsilon, s.norm_weight, s.norm_bias, grid});
    case Op::add:
      return builder.add_add(in, s.inputs.back(), s.output);
    case Op::concat:
      return builder.add_concat(s.inputs, s.output);
  }
  return {Code::argument, "expected a known stage"};
}

}  // namespace

Program decode_program(Bytes& bytes) { return Decoder(bytes).program(); }

Result<std::shared_ptr<const plan::Plan>> build(const Program& program, const dispatch::Kernel& kernel,
                                                const plan::PlanOptions& options) {
  plan::Builder builder(kernel);
  for (size_t i = 0; i < program.values.size(); ++i) {
    const ValueData& value = program.values[i];
    if (Status s = builder.add_value("v" + std::to_string(i), value.features, value.type); !s.ok()) return s;
  }
  for (const StageData& stage : program.stages)
    if (Status s = add(builder, stage); !s.ok()) return s;
  return builder.finish(program.input, program.output, options);
}

}  // namespace requant::fuzz
