// Whatever a caller gets wrong in a plan or a run is a Status with its code, never a crash.
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "check.h"
#include "kernels_here.h"
#include "plan_models.h"

namespace {

using namespace requant;
using plan::Element;
using plan::Grid;
using plan::ValueId;
using plan::ValueType;
using test::check;
using test::run_case;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

const dispatch::Kernel& kernel() { return *test::kernels_here().front(); }

/// The status has this code, and a message that says what was expected.
void expect(const Status& status, Code code, const char* what) {
  check(status.code() == code,
        std::string(what) + ": received " + code_name(status.code()) + " " + status.message());
  if (code != Code::ok) check(status.message().starts_with("expected "), status.message());
}

/// Values: 0 float32 ×4 (the input), 1 codes ×4, 2 codes ×3, 3 float32 ×3, 4 float32 ×4, 5 codes ×7.
struct Fixture : test::Net {
  Fixture() : Net(kernel(), 1) {
    value("x", 4, ValueType::f32);
    value("q", 4, ValueType::u8);
    value("r", 3, ValueType::u8);
    value("y", 3, ValueType::f32);
    value("z", 4, ValueType::f32);
    value("both", 7, ValueType::u8);
  }
  /// With q written.
  static Fixture quantized() {
    Fixture f;
    f.expect(f.builder.add_quantize(0, 1, grid(0.5F, 3)));
    return f;
  }
};

void values() {
  plan::Builder builder(kernel());
  for (const double features :
       {0.0, -1.0, 1.5, 16777217.0, 1e300, static_cast<double>(kInf), static_cast<double>(kNaN)}) {
    expect(builder.add_value("v", features, ValueType::f32), Code::shape, "features");
  }
  expect(builder.add_value("v", 16777216.0, ValueType::f32), Code::ok, "2^24 features");
}

void wiring() {
  Fixture f;
  const Grid g = test::Net::grid(0.5F, 3);
  const std::vector<uint8_t> table(256);
  expect(f.builder.add_quantize(0, 6, g), Code::argument, "no such output");
  expect(f.builder.add_quantize(6, 1, g), Code::argument, "no such input");
  expect(f.builder.add_quantize(SIZE_MAX, SIZE_MAX, g), Code::argument, "no such values");
  expect(f.builder.add_quantize(0, 0, g), Code::argument, "the input is not written");
  expect(f.builder.add_dequantize(1, 4, g), Code::argument, "read before it is written");
  expect(f.builder.add_elementwise(4, 4, arith::Elementwise::relu, {}), Code::argument, "reads itself");
  expect(f.builder.add_quantize(0, 4, g), Code::dtype, "codes expected at the output");
  expect(f.builder.add_dequantize(0, 4, g), Code::dtype, "codes expected at the input");
  expect(f.builder.add_lookup(0, 1, table), Code::dtype, "a table reads codes");
  expect(f.builder.add_softmax(0, 1, false), Code::dtype, "softmax writes floats");
  expect(f.builder.add_quantize(0, 2, g), Code::shape, "features differ");
  expect(f.builder.add_elementwise(0, 3, arith::Elementwise::relu, {}), Code::shape, "features differ");
  expect(f.builder.add_softmax(0, 3, true), Code::shape, "features differ");
  expect(f.builder.add_add(0, 0, 3), Code::shape, "features differ");
  expect(f.builder.add_concat({}, 5), Code::argument, "no inputs");
  expect(f.builder.add_concat({0, 9}, 5), Code::argument, "no such input");
  expect(f.builder.add_concat({0}, 5), Code::dtype, "mixed types");
  expect(f.builder.add_concat({0, 0}, 4), Code::shape, "features do not add up");

  Fixture written = Fixture::quantized();
  expect(written.builder.add_quantize(0, 1, g), Code::argument, "written twice");
  expect(written.builder.add_lookup(1, 2, table), Code::shape, "features differ");
  written.expect(written.builder.add_value("t", 4, ValueType::u8));
  expect(written.builder.add_lookup(1, 6, std::span(table).first(255)), Code::shape, "a table of 255");
  expect(written.builder.add_lookup(1, 6, {}), Code::shape, "no table");
  expect(written.builder.add_concat({1, 1}, 5), Code::shape, "features do not add up");
}

void grids() {
  const auto rejected = [](const Grid& grid, Code code, const char* what) {
    Fixture f;
    expect(f.builder.add_quantize(0, 1, grid), code, what);
    expect(plan::check_grid(grid, 4), code, what);
  };
  for (const float scale : {0.0F, -1.0F, kNaN, kInf, 0x1p-101F, 0x1.000002p126F}) {
    rejected({{scale}, 0, 0, 255}, Code::argument, "scale");
    rejected({{1.0F, 1.0F, scale, 1.0F}, 0, 0, 255}, Code::argument, "one of the scales");
  }
  rejected({{}, 0, 0, 255}, Code::shape, "no scale");
  rejected({{1.0F, 1.0F}, 0, 0, 255}, Code::shape, "2 scales for 4 features");
  rejected({{1.0F}, -1, 0, 255}, Code::argument, "zero point");
  rejected({{1.0F}, 256, 0, 255}, Code::argument, "zero point");
  rejected({{1.0F}, 0, -1, 255}, Code::argument, "lo");
  rejected({{1.0F}, 0, 0, 256}, Code::argument, "hi");
  rejected({{1.0F}, 0, 9, 8}, Code::argument, "lo above hi");
  rejected({{1.0F}, INT32_MIN, 0, 255}, Code::argument, "zero point");
  expect(plan::check_grid({{0x1p-100F, 0x1p126F, 1.0F, 1.0F}, 255, 0, 255}, 4), Code::ok, "ends");
  Fixture f = Fixture::quantized();
  expect(f.builder.add_dequantize(1, 4, {{1.0F, 1.0F, 1.0F, 1.0F}, 0, 0, 255}), Code::shape,
         "one scale only");
}

void static_linear() {
  const std::vector<int8_t> w(12, 1);
  const gemm::WeightSource source{w.data(), false, 3, 4, {}};
  const std::vector<int32_t> m(4, 1 << 30), s(4, 40), bias(4);
  const std::vector<float> scale(4, 0.5F);
  const auto of = [](const std::vector<int32_t>& v, size_t count) { return std::span(v).first(count); };
  const auto add = [&](const plan::StaticLinearSpec& spec, Code code, const char* what) {
    Fixture f = Fixture::quantized();
    expect(f.builder.add(spec), code, what);
  };
  using kernels::Rounding;
  const gemm::RequantizeSpec good{Rounding::half_up, of(m, 3), of(s, 3), {}, 3, 0, 255};
  add({1, 2, source, of(bias, 3), 3, good, {}}, Code::ok, "a good one");
  add({1, 2, source, of(bias, 2), 3, good, {}}, Code::shape, "bias of 2");
  add({1, 2, source, of(bias, 1), 3, good, {}}, Code::shape, "bias of 1");
  add({1, 2, source, {}, 256, good, {}}, Code::argument, "zero point of the input");
  add({1, 2, source, {}, -1, good, {}}, Code::argument, "zero point of the input");
  add({1, 3, source, {}, 3, good, {}}, Code::dtype, "codes into a float value");
  add({1, 2, source, {}, 3, {}, scale}, Code::dtype, "floats into a value of codes");
  add({1, 3, source, {}, 3, {}, {}}, Code::shape, "neither requantize nor scale");
  add({1, 3, source, {}, 3, {}, std::span(scale).first(2)}, Code::shape, "2 scales");
  add({1, 3, source, {}, 3, {}, std::span(scale).first(1)}, Code::ok, "1 scale");
  add({1, 2, {w.data(), false, 4, 3, {}}, {}, 3, good, {}}, Code::shape, "transposed weights");
  add({0, 2, source, {}, 3, good, {}}, Code::dtype, "float input");

  const auto requantize = [&](gemm::RequantizeSpec spec, Code code, const char* what) {
    add({1, 2, source, {}, 3, spec, {}}, code, what);
  };
  const std::vector<int32_t> bad_m{1 << 30, 1, 1 << 30}, negative{1 << 30, -5, 1 << 30}, s24(3, 24),
      s64(3, 64);
  for (const Rounding r : test::kRoundings) {
    requantize({r, {}, {}, {}, 3, 0, 255}, Code::shape, "no multipliers");
    requantize({r, of(m, 2), of(s, 2), {}, 3, 0, 255}, Code::shape, "2 multipliers");
    requantize({r, of(m, 3), of(s, 1), {}, 3, 0, 255}, Code::shape, "1 shift for 3 multipliers");
    requantize({r, bad_m, of(s, 3), {}, 3, 0, 255}, Code::argument, "m = 1");
    requantize({r, negative, of(s, 3), {}, 3, 0, 255}, Code::argument, "m < 0");
    requantize({r, of(m, 3), s24, {}, 3, 0, 255}, Code::argument, "s = 24");
    requantize({r, of(m, 3), s64, {}, 3, 0, 255}, Code::argument, "s = 64");
    requantize({r, of(m, 3), of(s, 3), {}, 256, 0, 255}, Code::argument, "zero point");
    requantize({r, of(m, 3), of(s, 3), {}, 3, -1, 255}, Code::argument, "lo");
    requantize({r, of(m, 3), of(s, 3), {}, 3, 0, 256}, Code::argument, "hi");
    requantize({r, of(m, 3), of(s, 3), {}, 3, 9, 8}, Code::argument, "lo above hi");
    requantize({r, of(m, 1), of(s, 1), {}, 3, 8, 8}, Code::ok, "one multiplier, one code");
  }
  // Rounding::float32 takes M itself.
  const auto by_scale = [&](const std::vector<float>& multipliers, int32_t lo, Code code, const char* what) {
    requantize({Rounding::float32, {}, {}, multipliers, 3, lo, 255}, code, what);
  };
  by_scale({0.5F, 0.0F, 0.25F}, 0, Code::ok, "one M a column");
  by_scale({0.5F}, 0, Code::ok, "one M");
  by_scale({0.5F, 0.5F}, 0, Code::shape, "2 M for 3 columns");
  by_scale({0.5F, 0.5F, kNaN}, 0, Code::argument, "M is NaN");
  by_scale({0.5F, 0.5F, kInf}, 0, Code::argument, "M is infinite");
  by_scale({0.5F, 0.5F, -0.5F}, 0, Code::argument, "M is negative");
  by_scale({0.5F}, -1, Code::argument, "lo");
  requantize({Rounding::half_up, {}, {}, scale, 3, 0, 255}, Code::shape,
             "M without fixed point under half-up");
}

void bounds() {
  const size_t k = 40000;
  test::Net net(kernel(), 1);
  net.value("x", k, ValueType::f32);
  net.value("q", k, ValueType::u8);
  net.value("y", 1, ValueType::f32);
  net.expect(net.builder.add_quantize(0, 1, test::Net::grid(1.0F, 0)));
  const std::vector<uint8_t> w(k, 0);
  const std::vector<int32_t> zero_point{255}, bias{INT32_MAX};
  const std::vector<float> scale{1.0F};
  const gemm::WeightSource far{w.data(), true, 1, k, zero_point};
  expect(net.builder.add(plan::StaticLinearSpec{1, 2, far, {}, 0, {}, scale}), Code::overflow,
         "Σ |w − zw| too large");
  expect(net.builder.add(plan::DynamicLinearSpec{0, 2, far, scale, {}}), Code::overflow, "the same, dynamic");
  const std::vector<int8_t> one(k, 1);
  const gemm::WeightSource near{one.data(), false, 1, k, {}};
  expect(net.builder.add(plan::StaticLinearSpec{1, 2, near, bias, 0, {}, scale}), Code::overflow,
         "bias at the end");
  expect(net.builder.add(plan::StaticLinearSpec{1, 2, near, {}, 0, {}, scale}), Code::ok, "fits");
}

void float_and_dynamic_linear() {
  const std::vector<float> w(12, 1.0F), scale(4, 0.5F);
  const std::vector<int8_t> q(12, 1);
  const auto of = [&](size_t count) { return std::span(scale).first(count); };
  const gemm::WeightSource source{q.data(), false, 3, 4, {}};
  Fixture f;
  expect(f.builder.add(plan::FloatLinearSpec{0, 3, w.data(), nullptr, 4, 3, {}, {}}), Code::shape,
         "transposed");
  expect(f.builder.add(plan::FloatLinearSpec{0, 3, w.data(), nullptr, 3, 4, {}, of(1)}), Code::shape,
         "bias of 1");
  expect(f.builder.add(plan::FloatLinearSpec{0, 3, nullptr, q.data(), 3, 4, {}, {}}), Code::shape,
         "no scale");
  expect(f.builder.add(plan::FloatLinearSpec{0, 3, nullptr, q.data(), 3, 4, of(2), {}}), Code::shape,
         "2 scales");
  expect(f.builder.add(plan::FloatLinearSpec{0, 1, w.data(), nullptr, 4, 4, {}, {}}), Code::dtype,
         "codes out");
  expect(f.builder.add(plan::DynamicLinearSpec{0, 3, source, {}, {}}), Code::shape, "no scale");
  expect(f.builder.add(plan::DynamicLinearSpec{0, 3, source, of(2), {}}), Code::shape, "2 scales");
  expect(f.builder.add(plan::DynamicLinearSpec{0, 3, source, of(3), of(2)}), Code::shape, "bias of 2");
  expect(f.builder.add(plan::DynamicLinearSpec{0, 4, source, of(1), {}}), Code::shape, "another width");
  expect(f.builder.add(plan::DynamicLinearSpec{0, 3, source, of(1), of(3)}), Code::ok, "a good one");
}

void round_to_grid() {
  Fixture f;
  const FloatGrid e4m3fn{3, -6, 448, 1, 0.5};
  expect(f.builder.add_round_to_grid(0, 6, e4m3fn), Code::argument, "no such output");
  expect(f.builder.add_round_to_grid(0, 1, e4m3fn), Code::dtype, "it writes floats");
  expect(f.builder.add_round_to_grid(0, 3, e4m3fn), Code::shape, "features differ");
  for (const double scale : {0.0, -1.0, 0.1, 0x1p120, static_cast<double>(kInf), static_cast<double>(kNaN)})
    expect(f.builder.add_round_to_grid(0, 4, {3, -6, 448, 1, scale}), Code::argument, "scale");
  expect(f.builder.add_round_to_grid(0, 4, {7, -6, 448, 1, 0.5}), Code::argument, "bits");
  expect(f.builder.add_round_to_grid(0, 4, e4m3fn), Code::ok, "E4M3FN");
  expect(f.builder.add_round_to_grid(0, 4, e4m3fn), Code::argument, "written twice");
}

void layer_norm() {
  const std::vector<float> four(4, 1.0F);
  const auto of = [&](size_t count) { return std::span(four).first(count); };
  const Grid g = test::Net::grid(0.5F, 3);
  const auto add = [&](const plan::LayerNormSpec& spec, Code code, const char* what) {
    Fixture f = Fixture::quantized();
    expect(f.builder.add(spec), code, what);
  };
  add({0, 4, 1e-5, of(4), of(4), {}}, Code::ok, "floats");
  add({1, 4, 0.0, {}, {}, g}, Code::ok, "codes");
  add({0, 3, 1e-5, {}, {}, {}}, Code::shape, "features differ");
  add({0, 4, 1e-5, of(3), {}, {}}, Code::shape, "weight of 3");
  add({0, 4, 1e-5, {}, of(1), {}}, Code::shape, "bias of 1");
  for (const double epsilon : {-1.0, 1e39, static_cast<double>(kNaN), static_cast<double>(kInf)})
    add({0, 4, epsilon, {}, {}, {}}, Code::argument, "epsilon");
  add({0, 4, 1e-5, {}, {}, g}, Code::dtype, "a grid for floats");
  add({1, 4, 1e-5, {}, {}, {}}, Code::dtype, "codes without a grid");
  add({0, 2, 1e-5, {}, {}, {}}, Code::dtype, "codes out");
  add({1, 4, 1e-5, {}, {}, Grid{{1.0F, 1.0F, 1.0F, 1.0F}, 0, 0, 255}}, Code::shape, "a scale a feature");
  add({1, 4, 1e-5, {}, {}, Grid{{0.0F}, 0, 0, 255}}, Code::argument, "scale 0");
  add({9, 4, 1e-5, {}, {}, {}}, Code::argument, "no such input");
}

void int4_linear() {
  const std::vector<uint8_t> w(3 * 2, 0x17);
  const std::vector<float> scale(4, 0.5F);
  const auto of = [&](size_t count) { return std::span(scale).first(count); };
  const gemm::Int4Source source{w, 3, 4, 32, of(3)};
  const auto kind = gemm::Int4Activations::codes;
  Fixture f;
  expect(f.builder.add(plan::Int4LinearSpec{0, 4, source, kind, {}}), Code::shape, "another width");
  expect(f.builder.add(plan::Int4LinearSpec{0, 1, source, kind, {}}), Code::dtype, "codes out");
  expect(f.builder.add(plan::Int4LinearSpec{0, 3, source, kind, of(2)}), Code::shape, "bias of 2");
  expect(f.builder.add(plan::Int4LinearSpec{0, 3, {w, 3, 4, 32, of(4)}, kind, {}}), Code::shape, "4 scales");
  expect(f.builder.add(plan::Int4LinearSpec{0, 3, {w, 3, 4, 33, of(3)}, kind, {}}), Code::argument, "groups");
  expect(f.builder.add(plan::Int4LinearSpec{0, 3, source, kind, of(3)}), Code::ok, "a good one");
}

void ports() {
  const Grid g = test::Net::grid(0.5F, 3);
  const Grid wrong{{0.5F, 0.5F}, 3, 0, 255};
  const auto finish = [](plan::Port in, plan::Port out, Code code, const char* what) {
    Fixture f = Fixture::quantized();
    expect(f.builder.finish(std::move(in), std::move(out), {}).status, code, what);
  };
  finish({0, Element::f32, {}}, {1, Element::u8, g}, Code::ok, "a good one");
  finish({1, Element::u8, g}, {1, Element::u8, g}, Code::argument, "the input is not value 0");
  finish({0, Element::u8, g}, {1, Element::u8, g}, Code::dtype, "codes into a float value");
  finish({0, Element::f32, {}}, {1, Element::f32, {}}, Code::dtype, "floats out of codes");
  finish({0, Element::f32, {}}, {1, Element::s8, {}}, Code::shape, "no grid");
  finish({0, Element::f32, {}}, {1, Element::s8, wrong}, Code::shape, "2 scales");
  finish({0, Element::f32, {}}, {2, Element::u8, g}, Code::argument, "the output is not written");
  finish({0, Element::f32, {}}, {77, Element::u8, g}, Code::argument, "no such output");
  expect(plan::Builder(kernel()).finish({}, {}, {}).status, Code::argument, "no values");

  // A plan without stages: the input quantized per feature; the output's grid has one scale.
  const Grid per_feature{{0.5F, 0.25F}, 3, 0, 255};
  const auto identity = [&](const Grid& out) {
    test::Net net(kernel(), 1);
    net.value("x", 2, ValueType::u8);
    return net.builder.finish({0, Element::u8, per_feature}, {0, Element::u8, out}, {});
  };
  expect(identity(per_feature).status, Code::shape, "an output with one scale a feature");
  const auto plan = identity(g);
  check(plan.ok(), plan.status.message());
  const float x[] = {1.0F, 1.0F};
  float y[] = {0.0F, 0.0F};
  plan::RunRequest q{x, Element::f32, 2, y, Element::f32, 2, false, nullptr, {}};
  check(plan.value->run(q).ok() && y[0] == 1.0F && y[1] == 2.0F, "codes 5 and 7 on the output's grid");
}

void runs() {
  const test::PlanPtr plan = test::codes_model(kernel(), {});  // int8 ×12 → int8 ×17
  std::vector<float> memory(4 * (12 + 17));
  const auto run = [&](size_t in, Element in_element, size_t out, Element out_element, size_t out_at,
                       Code code, const char* what) {
    plan::RunRequest q;
    q.input = memory.data();
    q.input_size = in;
    q.input_element = in_element;
    q.output = reinterpret_cast<std::byte*>(memory.data()) + out_at;
    q.output_size = out;
    q.output_element = out_element;
    expect(plan->run(q), code, what);
  };
  run(24, Element::f32, 34, Element::f32, 96, Code::ok, "2 rows, side by side in memory");
  run(24, Element::f32, 34, Element::f32, 95, Code::argument, "the output overlaps the input");
  run(24, Element::f32, 34, Element::s8, 0, Code::argument, "in place");
  run(12, Element::s8, 17, Element::f32, 8, Code::argument, "codes overlap floats");
  run(12, Element::s8, 17, Element::s8, 12, Code::ok, "codes, side by side in memory");
  run(0, Element::f32, 0, Element::f32, 0, Code::ok, "no rows");
  run(0, Element::f32, 17, Element::f32, 64, Code::shape, "output for no rows");
  run(23, Element::f32, 17, Element::f32, 96, Code::shape, "half a row");
  run(5, Element::f32, 0, Element::f32, 96, Code::shape, "less than a row");
  run(24, Element::f32, 33, Element::f32, 96, Code::shape, "output too short");
  run(24, Element::f32, 51, Element::f32, 96, Code::shape, "output too long");
  run(24, Element::u8, 34, Element::f32, 96, Code::dtype, "uint8 codes into an int8 model");
  run(24, Element::f32, 34, Element::u8, 96, Code::dtype, "uint8 codes out of an int8 model");
}

}  // namespace

int main() {
  run_case("plan errors: values", values);
  run_case("plan errors: wiring", wiring);
  run_case("plan errors: grids", grids);
  run_case("plan errors: static linear", static_linear);
  run_case("plan errors: accumulator bounds", bounds);
  run_case("plan errors: float and dynamic linear", float_and_dynamic_linear);
  run_case("plan errors: layer norm", layer_norm);
  run_case("plan errors: round to grid", round_to_grid);
  run_case("plan errors: int4 linear", int4_linear);
  run_case("plan errors: ports", ports);
  run_case("plan errors: runs", runs);
  return test::finish();
}
