// Small plans with random weights for the plan tests: the same plan for every kernel.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arith/activation_table.h"
#include "check.h"
#include "corpus.h"
#include "plan/builder.h"
#include "random.h"

namespace requant::test {

using plan::Element;
using plan::ValueId;
using plan::ValueType;
using PlanPtr = std::shared_ptr<const plan::Plan>;

struct LayerOptions {
  kernels::Rounding rounding = kernels::Rounding::half_up;
  bool unsigned_weights = false;
  bool weight_zero_points = false;
  bool float_multipliers = false;  // M itself instead of (m, s)
  int32_t lo = 0;
};

/// A Builder that makes up values, weights and grids.
class Net {
 public:
  Net(const dispatch::Kernel& kernel, uint64_t seed) : builder(kernel), random_(seed) {}

  ValueId value(const std::string& name, size_t features, ValueType type) {
    expect(builder.add_value(name, static_cast<double>(features), type));
    features_.push_back(features);
    return features_.size() - 1;
  }

  /// Codes out, or float32 out by a scale a column.
  void static_linear(ValueId in, ValueId out, bool codes_out, const LayerOptions& o = {}) {
    const Weights w = weights(in, out, o);
    std::vector<int32_t> bias(w.source.out_features), m, s;
    std::vector<float> scale;
    for (int32_t& b : bias) b = static_cast<int32_t>(random_.between(-9000, 9000));
    plan::StaticLinearSpec spec{in, out, w.source, bias, 131, {}, {}};
    for (size_t c = 0; c < bias.size(); ++c) {
      m.push_back(static_cast<int32_t>(random_.between(1 << 30, INT32_MAX)));
      s.push_back(static_cast<int32_t>(random_.between(37, 39)));
      scale.push_back(codes_out ? arith::multiplier_as_float(m[c], s[c]) : 0.001F + 0.0001F * random_.unit());
    }
    if (codes_out) {
      spec.requantize = gemm::RequantizeSpec{o.rounding, m, s, {}, 131, o.lo, 255};
      if (o.float_multipliers)
        spec.requantize = gemm::RequantizeSpec{o.rounding, {}, {}, scale, 131, o.lo, 255};
    } else {
      spec.scale = scale;
    }
    expect(builder.add(spec));
  }

  void dynamic_linear(ValueId in, ValueId out, const LayerOptions& o = {}) {
    const Weights w = weights(in, out, o);
    const std::vector<float> scale = floats(w.source.out_features, 0.01F);
    const std::vector<float> bias = floats(w.source.out_features, 1.0F);
    expect(builder.add(plan::DynamicLinearSpec{in, out, w.source, scale, bias}));
  }

  void float_linear(ValueId in, ValueId out) {
    const std::vector<float> w = floats(features_[in] * features_[out], 0.3F);
    const std::vector<float> bias = floats(features_[out], 1.0F);
    expect(builder.add(
        plan::FloatLinearSpec{in, out, w.data(), nullptr, features_[out], features_[in], {}, bias}));
  }

  void weight_only_linear(ValueId in, ValueId out) {
    std::vector<int8_t> w(features_[in] * features_[out]);
    random_.fill_bytes(w.data(), w.size());
    const std::vector<float> scale = floats(features_[out], 0.004F);
    expect(builder.add(
        plan::FloatLinearSpec{in, out, nullptr, w.data(), features_[out], features_[in], scale, {}}));
  }

  void int4_linear(ValueId in, ValueId out, gemm::Int4Activations activations, size_t group_size) {
    gemm::Int4Source source{{}, features_[out], features_[in], group_size, {}};
    std::vector<uint8_t> w(source.out_features * source.row_bytes());
    for (size_t i = 0; i < w.size(); ++i) {
      const bool last_of_odd = source.in_features % 2 != 0 && (i + 1) % source.row_bytes() == 0;
      const auto high = last_of_odd ? 0 : random_.between(-7, 7);
      w[i] = static_cast<uint8_t>((random_.between(-7, 7) & 0x0F) | (high & 0x0F) << 4);
    }
    std::vector<float> scale(source.out_features * source.groups());
    for (float& s : scale) s = 0.02F + 0.01F * random_.unit();
    source.data = w;
    source.scale = scale;
    const std::vector<float> bias = floats(source.out_features, 1.0F);
    expect(builder.add(plan::Int4LinearSpec{in, out, source, activations, bias}));
  }

  /// `grid`: of an input of codes.
  void layer_norm(ValueId in, ValueId out, std::optional<plan::Grid> grid = {}) {
    const std::vector<float> weight = floats(features_[in], 2.0F);
    const std::vector<float> bias = floats(features_[in], 1.0F);
    expect(builder.add(plan::LayerNormSpec{in, out, 1e-5, weight, bias, std::move(grid)}));
  }

  /// A sigmoid on codes of scale 1/16 and zero point 131.
  void sigmoid_table(ValueId in, ValueId out) {
    const auto table = arith::activation_table(arith::Elementwise::sigmoid, {}, {0.0625, {131, 0, 255}},
                                               {1.0 / 256, {0, 0, 255}});
    expect(builder.add_lookup(in, out, table));
  }

  void expect(const Status& status) { check(status.ok(), status.message()); }

  PlanPtr finish(plan::Port in, plan::Port out, const plan::PlanOptions& options = {}) {
    auto plan = builder.finish(std::move(in), std::move(out), options);
    expect(plan.status);
    return plan.value;
  }

  static plan::Grid grid(float scale, int32_t zero_point) { return {{scale}, zero_point, 0, 255}; }

  plan::Builder builder;

 private:
  struct Weights {
    std::vector<uint8_t> data;
    std::vector<int32_t> zero_points;
    gemm::WeightSource source;
  };

  Weights weights(ValueId in, ValueId out, const LayerOptions& o) {
    Weights w;
    w.data.resize(features_[in] * features_[out]);
    random_.fill_bytes(w.data.data(), w.data.size());
    const int32_t lo = o.unsigned_weights ? 0 : -128;
    for (size_t n = 0; o.weight_zero_points && n < features_[out]; ++n) {
      w.zero_points.push_back(static_cast<int32_t>(random_.between(lo, lo + 255)));
    }
    w.source = {w.data.data(), o.unsigned_weights, features_[out], features_[in], w.zero_points};
    return w;
  }

  std::vector<float> floats(size_t count, float size) {
    std::vector<float> all(count);
    for (float& v : all) v = random_.unit() * size;
    return all;
  }

  Random random_;
  std::vector<size_t> features_;
};

struct Model {
  const char* name;
  PlanPtr (*make)(const dispatch::Kernel& kernel, const plan::PlanOptions& options);
  bool rejects_nan;  // some integer stage reads the input
};

inline PlanPtr float_model(const dispatch::Kernel& kernel, const plan::PlanOptions& options) {
  Net net(kernel, 1);
  const ValueId x = net.value("x", 13, ValueType::f32);
  const ValueId a = net.value("a", 70, ValueType::f32);
  const ValueId b = net.value("b", 70, ValueType::f32);
  const ValueId c = net.value("c", 33, ValueType::f32);
  const ValueId y = net.value("y", 33, ValueType::f32);
  net.float_linear(x, a);
  net.expect(net.builder.add_elementwise(a, b, arith::Elementwise::gelu, {}));
  net.weight_only_linear(b, c);
  net.expect(net.builder.add_softmax(c, y, false));
  return net.finish({x, Element::f32, {}}, {y, Element::f32, {}}, options);
}

/// Three integer layers of three roundings and a table between float32 ends; one scale a feature at the
/// input.
inline PlanPtr static_model(const dispatch::Kernel& kernel, const plan::PlanOptions& options) {
  Net net(kernel, 2);
  const ValueId x = net.value("x", 37, ValueType::u8);
  const ValueId a = net.value("a", 65, ValueType::u8);
  const ValueId b = net.value("b", 20, ValueType::u8);
  const ValueId c = net.value("c", 31, ValueType::u8);
  const ValueId d = net.value("d", 31, ValueType::u8);
  const ValueId y = net.value("y", 9, ValueType::f32);
  net.static_linear(x, a, true, {.lo = 131});
  net.static_linear(a, b, true, {.rounding = kernels::Rounding::half_even, .weight_zero_points = true});
  net.static_linear(b, c, true, {.rounding = kernels::Rounding::gemmlowp, .unsigned_weights = true});
  net.sigmoid_table(c, d);
  net.static_linear(d, y, false);
  plan::Grid grid{{}, 131, 0, 255};
  for (int i = 0; i < 37; ++i) grid.scale.push_back(0.01F + 0.001F * static_cast<float>(i));
  return net.finish({x, Element::u8, grid}, {y, Element::f32, {}}, options);
}

/// int8 codes at both ends, float32 rounding by (m, s) and by M.
inline PlanPtr codes_model(const dispatch::Kernel& kernel, const plan::PlanOptions& options) {
  Net net(kernel, 3);
  const ValueId x = net.value("x", 12, ValueType::u8);
  const ValueId a = net.value("a", 130, ValueType::u8);
  const ValueId y = net.value("y", 17, ValueType::u8);
  net.static_linear(x, a, true, {.rounding = kernels::Rounding::float32});
  net.static_linear(a, y, true, {.rounding = kernels::Rounding::float32, .float_multipliers = true});
  return net.finish({x, Element::s8, Net::grid(0.02F, 131)}, {y, Element::s8, Net::grid(0.3F, 131)}, options);
}

inline PlanPtr dynamic_model(const dispatch::Kernel& kernel, const plan::PlanOptions& options) {
  Net net(kernel, 4);
  const ValueId x = net.value("x", 29, ValueType::f32);
  const ValueId a = net.value("a", 50, ValueType::f32);
  const ValueId b = net.value("b", 50, ValueType::f32);
  const ValueId c = net.value("c", 7, ValueType::f32);
  const ValueId y = net.value("y", 7, ValueType::f32);
  net.dynamic_linear(x, a, {.unsigned_weights = true, .weight_zero_points = true});
  net.expect(net.builder.add_elementwise(a, b, arith::Elementwise::tanh, {}));
  net.dynamic_linear(b, c);
  net.expect(net.builder.add_softmax(c, y, true));
  return net.finish({x, Element::f32, {}}, {y, Element::f32, {}}, options);
}

/// Branches: add and concat of floats, concat of codes, quantize and dequantize inside.
inline PlanPtr branched_model(const dispatch::Kernel& kernel, const plan::PlanOptions& options) {
  Net net(kernel, 5);
  const ValueId x = net.value("x", 21, ValueType::f32);
  const ValueId xq = net.value("xq", 21, ValueType::u8);
  const ValueId a = net.value("a", 40, ValueType::u8);
  const ValueId both = net.value("both", 61, ValueType::u8);
  const ValueId back = net.value("back", 61, ValueType::f32);
  const ValueId side = net.value("side", 61, ValueType::f32);
  const ValueId sum = net.value("sum", 61, ValueType::f32);
  const ValueId y = net.value("y", 82, ValueType::f32);
  net.expect(net.builder.add_quantize(x, xq, Net::grid(0.02F, 131)));
  net.static_linear(xq, a, true);
  net.expect(net.builder.add_concat({a, xq}, both));
  net.expect(net.builder.add_dequantize(both, back, Net::grid(0.125F, 131)));
  net.float_linear(x, side);
  net.expect(net.builder.add_add(back, side, sum));
  net.expect(net.builder.add_concat({sum, x}, y));
  return net.finish({x, Element::f32, {}}, {y, Element::f32, {}}, options);
}

/// Rows so wide that a block has the fewest rows.
inline PlanPtr wide_model(const dispatch::Kernel& kernel, const plan::PlanOptions& options) {
  Net net(kernel, 6);
  const ValueId x = net.value("x", 20011, ValueType::f32);
  const ValueId a = net.value("a", 20011, ValueType::f32);
  const ValueId y = net.value("y", 3, ValueType::f32);
  net.expect(net.builder.add_elementwise(x, a, arith::Elementwise::relu, {}));
  net.dynamic_linear(a, y);
  return net.finish({x, Element::f32, {}}, {y, Element::f32, {}}, options);
}

/// int4 weights, on codes and on floats, with short last groups.
inline PlanPtr int4_model(const dispatch::Kernel& kernel, const plan::PlanOptions& options) {
  Net net(kernel, 7);
  const ValueId x = net.value("x", 45, ValueType::f32);
  const ValueId a = net.value("a", 131, ValueType::f32);
  const ValueId b = net.value("b", 131, ValueType::f32);
  const ValueId c = net.value("c", 66, ValueType::f32);
  const ValueId y = net.value("y", 7, ValueType::f32);
  net.int4_linear(x, a, gemm::Int4Activations::codes, 32);
  net.expect(net.builder.add_elementwise(a, b, arith::Elementwise::relu, {}));
  net.int4_linear(b, c, gemm::Int4Activations::float32, 64);
  net.int4_linear(c, y, gemm::Int4Activations::codes, 128);
  return net.finish({x, Element::f32, {}}, {y, Element::f32, {}}, options);
}

/// Layer norm of codes and of floats, between both.
inline PlanPtr norm_model(const dispatch::Kernel& kernel, const plan::PlanOptions& options) {
  Net net(kernel, 8);
  const ValueId x = net.value("x", 43, ValueType::u8);
  const ValueId a = net.value("a", 43, ValueType::f32);
  const ValueId b = net.value("b", 77, ValueType::f32);
  const ValueId c = net.value("c", 77, ValueType::f32);
  const ValueId d = net.value("d", 77, ValueType::u8);
  const ValueId e = net.value("e", 30, ValueType::u8);
  const ValueId y = net.value("y", 30, ValueType::f32);
  net.layer_norm(x, a, Net::grid(0.02F, 131));
  net.float_linear(a, b);
  net.layer_norm(b, c);
  net.expect(net.builder.add_quantize(c, d, Net::grid(0.04F, 131)));
  net.static_linear(d, e, true);
  net.layer_norm(e, y, Net::grid(0.3F, 131));
  return net.finish({x, Element::u8, Net::grid(0.02F, 131)}, {y, Element::f32, {}}, options);
}

/// Float8 numbers between float products.
inline PlanPtr fp8_model(const dispatch::Kernel& kernel, const plan::PlanOptions& options) {
  Net net(kernel, 9);
  const ValueId x = net.value("x", 45, ValueType::f32);
  const ValueId a = net.value("a", 45, ValueType::f32);
  const ValueId b = net.value("b", 67, ValueType::f32);
  const ValueId c = net.value("c", 67, ValueType::f32);
  const ValueId y = net.value("y", 9, ValueType::f32);
  net.expect(net.builder.add_round_to_grid(x, a, {3, -6, 448, 1, 0x1p-8}));
  net.float_linear(a, b);
  net.expect(net.builder.add_round_to_grid(b, c, {4, -2, 31, 31, 15.5}));
  net.float_linear(c, y);
  return net.finish({x, Element::f32, {}}, {y, Element::f32, {}}, options);
}

inline constexpr Model kModels[] = {
    {"float", float_model, false},    {"static", static_model, true},     {"codes", codes_model, true},
    {"dynamic", dynamic_model, true}, {"branched", branched_model, true}, {"wide", wide_model, true},
    {"int4", int4_model, true},       {"norm", norm_model, true},         {"fp8", fp8_model, true}};

}  // namespace requant::test
