#include "addon/plan_spec.h"

#include "addon/convert.h"
#include "addon/elementwise_names.h"
#include "plan/builder.h"

namespace requant::addon {
namespace {

using plan::Builder;
using plan::Element;
using plan::Grid;
using plan::Port;
using plan::ValueId;

Grid grid(const Napi::Object& o) {
  const auto scale = floats(o.Get("scale"), "scale");
  return {{scale.begin(), scale.end()},
          int32(o.Get("zeroPoint"), "zeroPoint"),
          int32(o.Get("lo"), "lo"),
          int32(o.Get("hi"), "hi")};
}

Element element(const Napi::Value& value) {
  const std::string name = string(value, "element");
  if (name == "float32") return Element::f32;
  if (name == "uint8") return Element::u8;
  if (name == "int8") return Element::s8;
  throw_status(value.Env(), {Code::dtype, "expected float32, int8 or uint8 but received '" + name + "'"});
}

Port port(const Napi::Object& o) {
  Port result{index(o.Get("value"), "value"), element(o.Get("element")), {}};
  if (result.element != Element::f32) result.grid = grid(o);
  return result;
}

gemm::WeightSource weight_source(Napi::Env env, const Napi::Object& stage) {
  const ops::Codes weights = codes(stage.Get("weight"), "weight");
  const gemm::WeightSource source{weights.data, weights.is_unsigned,
                                  index(stage.Get("outFeatures"), "outFeatures"),
                                  index(stage.Get("inFeatures"), "inFeatures"),
                                  optional_int32s(stage.Get("weightZeroPoint"), "weightZeroPoint")};
  check(env, ops::check_weights(source, weights.size));
  return source;
}

gemm::RequantizeSpec requantize_spec(const Napi::Object& o) {
  gemm::RequantizeSpec spec;
  spec.rounding = rounding(o.Get("rounding"));
  spec.multiplier = optional_int32s(o.Get("multiplier"), "multiplier");
  spec.shift = optional_int32s(o.Get("shift"), "shift");
  spec.scale = optional_floats(o.Get("scale"), "scale");
  spec.zero_point = int32(o.Get("zeroPoint"), "zeroPoint");
  spec.lo = int32(o.Get("lo"), "lo");
  spec.hi = int32(o.Get("hi"), "hi");
  return spec;
}

void add_static_linear(Napi::Env env, Builder& builder, const Napi::Object& s, ValueId in, ValueId out) {
  plan::StaticLinearSpec spec{in,
                              out,
                              weight_source(env, s),
                              optional_int32s(s.Get("bias"), "bias"),
                              int32(s.Get("xZeroPoint"), "xZeroPoint"),
                              {},
                              {}};
  const Napi::Value requantize = s.Get("requantize");
  if (requantize.IsObject()) {
    spec.requantize = requantize_spec(requantize.As<Napi::Object>());
  } else {
    spec.scale = floats(s.Get("scale"), "scale");
  }
  check(env, builder.add(spec));
}

void add_dynamic_linear(Napi::Env env, Builder& builder, const Napi::Object& s, ValueId in, ValueId out) {
  check(env,
        builder.add(plan::DynamicLinearSpec{in, out, weight_source(env, s), floats(s.Get("scale"), "scale"),
                                            optional_floats(s.Get("bias"), "bias")}));
}

void add_float_linear(Napi::Env env, Builder& builder, const Napi::Object& s, ValueId in, ValueId out) {
  plan::FloatLinearSpec spec{};
  spec.input = in;
  spec.output = out;
  spec.out_features = index(s.Get("outFeatures"), "outFeatures");
  spec.in_features = index(s.Get("inFeatures"), "inFeatures");
  spec.scale = optional_floats(s.Get("scale"), "scale");
  spec.bias = optional_floats(s.Get("bias"), "bias");
  size_t size = 0;
  if (spec.scale.empty()) {
    const auto weight = floats(s.Get("weight"), "weight");
    spec.weight = weight.data();
    size = weight.size();
  } else {
    const ops::Codes weight = codes(s.Get("weight"), "weight");
    if (weight.is_unsigned) throw_status(env, {Code::dtype, "expected int8 weights for a weight-only layer"});
    spec.int8_weight = reinterpret_cast<const int8_t*>(weight.data);
    size = weight.size;
  }
  check(env, ops::check_weights({nullptr, false, spec.out_features, spec.in_features, {}}, size));
  check(env, builder.add(spec));
}

void add_int4_linear(Napi::Env env, Builder& builder, const Napi::Object& s, ValueId in, ValueId out) {
  const ops::Codes weight = codes(s.Get("weight"), "weight");
  if (!weight.is_unsigned) throw_status(env, {Code::dtype, "expected int4 weights in a Uint8Array"});
  const gemm::Int4Source source{{weight.data, weight.size},
                                index(s.Get("outFeatures"), "outFeatures"),
                                index(s.Get("inFeatures"), "inFeatures"),
                                index(s.Get("groupSize"), "groupSize"),
                                floats(s.Get("scale"), "scale")};
  const bool dynamic = boolean(s.Get("dynamic"), "dynamic");
  check(env, builder.add(plan::Int4LinearSpec{
                 in, out, source, dynamic ? gemm::Int4Activations::codes : gemm::Int4Activations::float32,
                 optional_floats(s.Get("bias"), "bias")}));
}

/// With a grid where the input is codes.
void add_layer_norm(Napi::Env env, Builder& builder, const Napi::Object& s, ValueId in, ValueId out) {
  plan::LayerNormSpec spec{in,
                           out,
                           number(s.Get("epsilon"), "epsilon"),
                           optional_floats(s.Get("weight"), "weight"),
                           optional_floats(s.Get("bias"), "bias"),
                           {}};
  const Napi::Value of_codes = s.Get("grid");
  if (of_codes.IsObject()) spec.grid = grid(of_codes.As<Napi::Object>());
  check(env, builder.add(spec));
}

[[gnu::cold]] void add_round_to_grid(Napi::Env env, Builder& builder, const Napi::Object& s, ValueId in,
                                     ValueId out) {
  FloatGrid grid = float_grid(s);
  grid.denominator = number(s.Get("denominator"), "denominator");
  check(env, builder.add_round_to_grid(in, out, grid));
}

std::vector<ValueId> value_ids(const Napi::Value& value) {
  const auto list = value.As<Napi::Array>();
  std::vector<ValueId> ids;
  for (uint32_t i = 0; i < list.Length(); ++i) ids.push_back(index(list.Get(i), "inputs"));
  return ids;
}

void add_stage(Napi::Env env, Builder& builder, const Napi::Object& s) {
  const std::string op = string(s.Get("op"), "op");
  const std::vector<ValueId> inputs = value_ids(s.Get("inputs"));
  const ValueId out = index(s.Get("output"), "output");
  if (inputs.empty()) throw_status(env, {Code::argument, "expected a stage to have inputs"});
  const ValueId in = inputs.front();

  if (op == "staticLinear") return add_static_linear(env, builder, s, in, out);
  if (op == "dynamicLinear") return add_dynamic_linear(env, builder, s, in, out);
  if (op == "floatLinear") return add_float_linear(env, builder, s, in, out);
  if (op == "int4Linear") return add_int4_linear(env, builder, s, in, out);
  if (op == "quantize") return check(env, builder.add_quantize(in, out, grid(s)));
  if (op == "dequantize") return check(env, builder.add_dequantize(in, out, grid(s)));
  if (op == "roundToGrid") return add_round_to_grid(env, builder, s, in, out);
  if (op == "layerNorm") return add_layer_norm(env, builder, s, in, out);
  if (op == "softmax") return check(env, builder.add_softmax(in, out, false));
  if (op == "logSoftmax") return check(env, builder.add_softmax(in, out, true));
  if (op == "concat") return check(env, builder.add_concat(inputs, out));
  if (op == "add") return check(env, builder.add_add(in, inputs.back(), out));
  if (op == "lookup") {
    const ops::Codes table = codes(s.Get("table"), "table");
    return check(env, builder.add_lookup(in, out, {table.data, table.size}));
  }
  check(env, builder.add_elementwise(in, out, elementwise_function(s.Get("op")),
                                     {number(s.Get("a"), "a"), number(s.Get("b"), "b")}));
}

}  // namespace

std::shared_ptr<const plan::Plan> build_plan(const Napi::Object& program, size_t threads) {
  const Napi::Env env = program.Env();
  parallel::Pool& pool = process_pool(env);
  Builder builder(*unwrap(env, dispatch::active_kernel()));
  const auto values = program.Get("values").As<Napi::Array>();
  for (uint32_t i = 0; i < values.Length(); ++i) {
    const auto value = values.Get(i).As<Napi::Object>();
    const bool is_float = string(value.Get("type"), "type") == "float32";
    check(env, builder.add_value(string(value.Get("name"), "name"), number(value.Get("features"), "features"),
                                 is_float ? plan::ValueType::f32 : plan::ValueType::u8));
  }
  const auto stages = program.Get("stages").As<Napi::Array>();
  for (uint32_t i = 0; i < stages.Length(); ++i) add_stage(env, builder, stages.Get(i).As<Napi::Object>());
  const plan::PlanOptions options{boolean(program.Get("observable"), "observable"), &pool,
                                  threads == 0 ? SIZE_MAX : threads};
  return unwrap(env, builder.finish(port(program.Get("input").As<Napi::Object>()),
                                    port(program.Get("output").As<Napi::Object>()), options));
}

}  // namespace requant::addon
