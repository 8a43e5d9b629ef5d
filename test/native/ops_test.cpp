// The array operators of requant/kernels: pieces, multipliers of each kind, and the codes of their errors.
#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "arith/requantize.h"
#include "check.h"
#include "corpus.h"
#include "kernels_here.h"
#include "ops/float_grid.h"
#include "ops/qgemm_op.h"
#include "ops/quantize_ops.h"
#include "random.h"

namespace {

using namespace requant;
using kernels::Rounding;
using test::check;
using test::run_case;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

const kernels::KernelSet& best() { return *test::kernels_here().front()->set; }

void expect(const Status& status, Code code, const char* what) {
  check(status.code() == code,
        std::string(what) + ": received " + code_name(status.code()) + " " + status.message());
}

/// One multiplier over a long array (walked in pieces) and one a column, of both kinds.
void requantize() {
  test::Random random(61);
  std::vector<int32_t> acc(9009);
  for (int32_t& a : acc) a = random.integer();
  std::vector<uint8_t> out(acc.size());
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    for (const size_t columns : {size_t{1}, size_t{7}, size_t{77}}) {
      std::vector<int32_t> m(columns), s(columns);
      std::vector<float> scale(columns);
      for (size_t c = 0; c < columns; ++c) {
        m[c] = static_cast<int32_t>(random.between(1 << 30, INT32_MAX));
        s[c] = static_cast<int32_t>(random.between(30, 55));
        scale[c] = arith::multiplier_as_float(m[c], s[c]);
      }
      const arith::CodeRange y{-3, -128, 100};
      const gemm::RequantizeSpec fixed{Rounding::half_up, m, s, {}, -3, -128, 100};
      const gemm::RequantizeSpec by_scale{Rounding::float32, {}, {}, scale, -3, -128, 100};
      expect(ops::requantize(*kernel->set, acc, fixed, {out.data(), out.size(), false}), Code::ok,
             kernel->name);
      for (size_t i = 0; i < acc.size(); ++i) {
        const int32_t code = arith::place(arith::round_half_up(acc[i], m[i % columns], s[i % columns]), y);
        check(static_cast<int8_t>(out[i]) == code, "half-up");
      }
      expect(ops::requantize(*kernel->set, acc, by_scale, {out.data(), out.size(), false}), Code::ok,
             kernel->name);
      for (size_t i = 0; i < acc.size(); ++i) {
        check(static_cast<int8_t>(out[i]) == arith::requantize_float32(acc[i], scale[i % columns], y),
              "float32");
      }
    }
  }
}

void requantize_errors() {
  const std::vector<int32_t> acc(6), m(4, 1 << 30), s(4, 40), s24(1, 24);
  const std::vector<float> bad_scale{1.0F, kNaN};
  std::vector<uint8_t> out(6);
  const auto call = [&](const gemm::RequantizeSpec& spec, size_t size, Code code, const char* what) {
    expect(ops::requantize(best(), acc, spec, {out.data(), size, true}), code, what);
  };
  const auto of = [](const std::vector<int32_t>& v, size_t count) { return std::span(v).first(count); };
  call({Rounding::half_up, of(m, 3), of(s, 3), {}, 0, 0, 255}, 6, Code::ok, "two rows of three");
  call({Rounding::half_up, of(m, 4), of(s, 4), {}, 0, 0, 255}, 6, Code::shape, "not whole rows");
  call({Rounding::half_up, {}, {}, {}, 0, 0, 255}, 6, Code::shape, "no multipliers");
  call({Rounding::float32, {}, {}, {}, 0, 0, 255}, 6, Code::shape, "no multipliers");
  call({Rounding::half_up, of(m, 2), of(s, 3), {}, 0, 0, 255}, 6, Code::shape, "lengths differ");
  call({Rounding::half_up, of(m, 1), of(s, 1), {}, 0, 0, 255}, 5, Code::shape, "out too short");
  call({Rounding::half_up, of(m, 1), s24, {}, 0, 0, 255}, 6, Code::argument, "shift 24");
  call({Rounding::float32, {}, {}, bad_scale, 0, 0, 255}, 6, Code::argument, "M is NaN");
  call({Rounding::half_up, of(m, 1), of(s, 1), {}, -1, 0, 255}, 6, Code::argument, "zero point of int8");
  call({Rounding::half_up, of(m, 1), of(s, 1), {}, 0, 5, 4}, 6, Code::argument, "min above max");
}

void quantize_and_dequantize() {
  std::vector<float> x(3001, 1.0F), back(3001);
  std::vector<uint8_t> codes(3001);
  for (size_t i = 0; i < x.size(); ++i) x[i] = 0.5F * static_cast<float>(static_cast<int>(i % 250) - 120);
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    expect(ops::quantize_linear(*kernel->set, x, 0.5F, -5, {codes.data(), codes.size(), false}), Code::ok,
           "int8");
    expect(ops::dequantize_linear(*kernel->set, {codes.data(), codes.size(), false}, 0.5F, -5, back),
           Code::ok, "int8");
    for (size_t i = 0; i < x.size(); ++i) {
      const int code = std::clamp(static_cast<int>(i % 250) - 125, -128, 127);
      check(static_cast<int8_t>(codes[i]) == code && back[i] == 0.5F * static_cast<float>(code + 5),
            "round trip");
    }
  }
  const std::vector<int32_t> wide{INT32_MAX, INT32_MIN, 16777217, -7};
  std::vector<float> out(4);
  expect(ops::dequantize_linear(wide, 2.0F, -1, out), Code::ok, "int32");
  check(out[0] == 0x1p32F && out[1] == -0x1p32F && out[2] == 2.0F * 16777218.0F && out[3] == -12.0F, "int32");

  x[1234] = kNaN;
  const Status nan = ops::quantize_linear(best(), x, 0.5F, 0, {codes.data(), codes.size(), false});
  expect(nan, Code::nan_input, "NaN");
  check(nan.message().find("index 1234") != std::string::npos, nan.message());
  const ops::Codes whole{codes.data(), codes.size(), true};
  for (const float scale : {0.0F, kNaN, -1.0F, 0x1p-101F, 0x1p127F}) {
    expect(ops::quantize_linear(best(), x, scale, 0, whole), Code::argument, "scale");
    expect(ops::dequantize_linear(best(), {codes.data(), 3001, true}, scale, 0, back), Code::argument,
           "scale");
    expect(ops::dequantize_linear(wide, scale, 0, out), Code::argument, "scale");
  }
  expect(ops::quantize_linear(best(), x, 1.0F, -1, whole), Code::argument, "zero point");
  expect(ops::quantize_linear(best(), x, 1.0F, 0, {codes.data(), 3000, true}), Code::shape, "length");
  expect(ops::dequantize_linear(best(), {codes.data(), 3000, true}, 1.0F, 0, back), Code::shape, "length");
}

void qgemm_errors() {
  const std::vector<int8_t> w(12, 1);
  const auto weights = gemm::PackedWeights::make(best().qgemm->layout, {w.data(), false, 3, 4, {}});
  const std::vector<uint8_t> x(8, 1);
  const std::vector<int32_t> bias(3, INT32_MAX);
  const std::vector<float> scale(2, 1.0F);
  std::vector<int32_t> out(6);
  const auto call = [&](auto change, Code code, const char* what) {
    ops::QGemmRequest q;
    q.x = {x.data(), x.size(), true};
    q.weights = weights.value.get();
    q.out = out.data();
    q.out_size = out.size();
    change(q);
    expect(ops::qgemm(best(), q), code, what);
  };
  call([](auto&) {}, Code::ok, "a good one");
  call([](auto& q) { q.x.size = 7; }, Code::shape, "not whole rows");
  call([](auto& q) { q.out_size = 5; }, Code::shape, "out too short");
  call([](auto& q) { q.x.size = q.out_size = 0; }, Code::ok, "no rows");
  call([](auto& q) { q.x_zero_point = 256; }, Code::argument, "zero point of uint8");
  call([](auto& q) { q.x.is_unsigned = false, q.x_zero_point = 128; }, Code::argument, "zero point of int8");
  call([&](auto& q) { q.bias = std::span(bias).first(2); }, Code::shape, "bias of 2");
  call([&](auto& q) { q.bias = bias; }, Code::overflow, "accumulators beyond int32");
  call([&](auto& q) { q.dequantize_scale = scale; }, Code::shape, "2 scales");
  call([&](auto& q) { q.requantize.emplace(); }, Code::shape, "no multipliers");
  expect(ops::check_weights({w.data(), false, 3, 4, {}}, 11), Code::shape, "weights too short");
  expect(ops::check_weights({w.data(), false, 0, 4, {}}, 0), Code::shape, "no columns");
  expect(ops::check_weights({w.data(), false, 3, 4, std::span(bias).first(2)}, 12), Code::shape,
         "2 zero points");
  expect(ops::check_weights({w.data(), false, 3, 4, bias}, 12), Code::argument, "zero points outside int8");
}

/// Rows with a grid each, NaN, and what is refused.
void round_to_grid() {
  const std::vector<float> x{0.0F, 0.5F, 1.0F, 5e4F, 100.0F, kNaN};
  std::vector<float> out(x.size());
  const FloatGrid e4m3fn{3, -6, 448, 1, 1};
  const std::vector<float> one{1.0F}, two{1.0F, 64.0F};
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    expect(ops::round_to_grid(*kernel->set, {x, e4m3fn, one, true, out}), Code::ok, kernel->name);
    check(out[1] == 0.5F && out[3] == 448.0F && out[4] == 96.0F, "one scale");
    check(std::bit_cast<uint32_t>(out[5]) == 0x7FC0'0000U, "NaN");
    expect(ops::round_to_grid(*kernel->set, {x, e4m3fn, two, true, out}), Code::ok, kernel->name);
    check(out[2] == 1.0F && out[3] == 28672.0F && out[4] == 96.0F, "a scale a row");
    expect(ops::round_to_grid(*kernel->set, {x, e4m3fn, two, false, out}), Code::ok, kernel->name);
    check(out[2] == 1.0F && out[3] == 448.0F && out[4] == 1.5F, "before the scale");
  }
  const auto refused = [&](const ops::FloatGridRequest& request, Code code, const char* what) {
    expect(ops::round_to_grid(best(), request), code, what);
  };
  const std::vector<float> none, four(4, 1.0F), bad{1.0F, -1.0F};
  refused({x, e4m3fn, none, true, out}, Code::shape, "no scale");
  refused({x, e4m3fn, four, true, out}, Code::shape, "rows");
  refused({x, e4m3fn, one, true, std::span(out).first(5)}, Code::shape, "out");
  refused({x, e4m3fn, bad, true, out}, Code::argument, "scale");
  refused({out, e4m3fn, one, true, out}, Code::argument, "overlap");
}

}  // namespace

int main() {
  run_case("ops: requantize", requantize);
  run_case("ops: requantize, errors", requantize_errors);
  run_case("ops: quantize and dequantize", quantize_and_dequantize);
  run_case("ops: qgemm and weights, errors", qgemm_errors);
  run_case("ops: rounding to a float8 grid", round_to_grid);
  return test::finish();
}
