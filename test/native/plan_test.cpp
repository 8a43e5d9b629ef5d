// Plans run on every kernel: the same bytes everywhere, in any batch, with shared or separate memory for
// values.
#include "plan/plan.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "arith/quantize.h"
#include "check.h"
#include "gemm/reference.h"
#include "guarded_buffer.h"
#include "kernels_here.h"
#include "plan_models.h"

namespace {

using namespace requant;
using plan::Element;
using test::check;
using test::Flush;
using test::GuardedBuffer;
using test::kModels;
using test::Model;
using test::PlanPtr;
using test::run_case;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr size_t kRows = 193;
/// Rows that also run alone: all, or every so many.
size_t row_step = 1;
constexpr size_t kBatches[] = {1, 5, 6, 7, 95, 96, 97, 193};

using Bytes = std::vector<uint8_t>;

size_t in_features(const plan::Plan& plan) { return plan.values()[plan.input().value].features; }
size_t out_features(const plan::Plan& plan) { return plan.values()[plan.output().value].features; }

std::vector<float> random_rows(const plan::Plan& plan, size_t rows) {
  test::Random random(51);
  std::vector<float> x(rows * in_features(plan));
  for (size_t i = 0; i < x.size(); ++i) x[i] = random.scaled(-4, static_cast<int>(i / in_features(plan) % 3));
  return x;
}

/// Runs in guarded memory and returns the output's bytes.
struct Runner {
  GuardedBuffer<float> in{kRows * 20011};
  GuardedBuffer<uint8_t> codes_in{kRows * 64};
  GuardedBuffer<uint8_t> out{kRows * 1024};
  std::vector<plan::Tap> taps;
  bool nan_is_zero = false;
  Status status;

  template <class T>
  Bytes operator()(const plan::Plan& plan, const T* x, size_t rows, Element in_element, Element out_element,
                   Flush flush = Flush::end) {
    plan::RunRequest q;
    q.input_size = rows * in_features(plan);
    q.input = copy_in(x, q.input_size, flush);
    q.input_element = in_element;
    q.output_size = rows * out_features(plan);
    const size_t bytes = q.output_size * plan::element_bytes(out_element);
    uint8_t* y = out.place(bytes, flush);
    q.output = y;
    q.output_element = out_element;
    q.nan_is_zero = nan_is_zero;
    q.taps = taps;
    status = plan.run(q);
    check(out.untouched() && in.untouched() && codes_in.untouched(), "wrote beside the rows");
    return Bytes(y, y + bytes);
  }

  Bytes operator()(const plan::Plan& plan, const float* x, size_t rows, Flush flush = Flush::end) {
    Bytes y = (*this)(plan, x, rows, Element::f32, Element::f32, flush);
    check(status.ok(), status.message());
    return y;
  }

 private:
  const void* copy_in(const float* x, size_t count, Flush flush) { return in.copy(x, count, flush); }
  const void* copy_in(const uint8_t* x, size_t count, Flush flush) { return codes_in.copy(x, count, flush); }
};

Runner& runner() {
  static Runner instance;
  return instance;
}

Bytes slice(const Bytes& all, size_t row, size_t rows, size_t row_bytes) {
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(row * row_bytes);
  return Bytes(begin, begin + static_cast<std::ptrdiff_t>(rows * row_bytes));
}

void batches(const Model& model) {
  Bytes first;
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    const PlanPtr plan = model.make(*kernel, {});
    const std::vector<float> x = random_rows(*plan, kRows);
    const size_t in = in_features(*plan);
    const size_t row_bytes = out_features(*plan) * 4;
    const Bytes whole = runner()(*plan, x.data(), kRows);
    if (first.empty()) first = whole;
    check(whole == first, std::string(kernel->name) + " differs from the first kernel");
    for (const size_t rows : kBatches) {
      const size_t last = kRows - rows;
      check(runner()(*plan, x.data(), rows) == slice(whole, 0, rows, row_bytes), "the first rows of a batch");
      check(runner()(*plan, x.data() + last * in, rows, Flush::start) == slice(whole, last, rows, row_bytes),
            "the last rows of a batch");
    }
    for (size_t row = 0; row < kRows; row += row_step) {
      check(runner()(*plan, x.data() + row * in, 1) == slice(whole, row, 1, row_bytes), "a row alone");
    }
  }
  bool varies = false;
  for (size_t i = 4; i < first.size(); ++i) varies |= first[i] != first[i - 4];
  check(varies, "outputs differ from each other");
}

/// Every value, from a plan that keeps them all.
std::vector<Bytes> observe(const plan::Plan& plan, const float* x, size_t rows, Bytes& output) {
  std::vector<Bytes> values;
  for (const plan::Value& value : plan.values()) {
    values.emplace_back(rows * value.features * plan::value_bytes(value.type));
  }
  for (plan::ValueId id = 0; id < values.size(); ++id) {
    runner().taps.push_back({id, reinterpret_cast<std::byte*>(values[id].data())});
  }
  output = runner()(plan, x, rows);
  runner().taps.clear();
  return values;
}

void taps(const Model& model) {
  std::vector<Bytes> first;
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    const PlanPtr shared = model.make(*kernel, {});
    const PlanPtr plan = model.make(*kernel, {.observable = true});
    const std::vector<float> x = random_rows(*plan, kRows);
    Bytes output, part_output;
    const std::vector<Bytes> values = observe(*plan, x.data(), kRows, output);
    check(output == runner()(*shared, x.data(), kRows), "shared memory changes the output");
    if (first.empty()) first = values;
    check(values == first, std::string(kernel->name) + ": some value differs from the first kernel's");
    const std::vector<Bytes> part = observe(*plan, x.data(), 97, part_output);
    for (plan::ValueId id = 0; id < values.size(); ++id) {
      check(part[id] == slice(values[id], 0, 97, values[id].size() / kRows), plan->values()[id].name);
    }
    if (plan->values()[plan->output().value].type == plan::ValueType::f32) {
      check(values[plan->output().value] == output, "the output's tap is the output");
    }
    if (plan->values()[0].type == plan::ValueType::f32) {
      check(std::memcmp(values[0].data(), x.data(), values[0].size()) == 0, "the input's tap is the input");
    }
  }
}

/// Codes in are the codes that float rows become; codes out are those that dequantize to the float output.
void codes_at_the_border() {
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    const PlanPtr plan = test::codes_model(*kernel, {.observable = true});
    const std::vector<float> x = random_rows(*plan, kRows);
    Bytes from_floats;
    const std::vector<Bytes> values = observe(*plan, x.data(), kRows, from_floats);
    Bytes codes = values[0];
    for (size_t i = 0; i < codes.size(); ++i) {
      check(codes[i] == arith::quantize(x[i], 0.02F, {131, 0, 255}), "the input's codes");
      codes[i] ^= 0x80;
    }
    check(runner()(*plan, codes.data(), kRows, Element::s8, Element::f32) == from_floats, "int8 codes in");
    const Bytes out = runner()(*plan, codes.data(), kRows, Element::s8, Element::s8);
    check(runner().status.ok(), runner().status.message());
    for (size_t i = 0; i < out.size(); ++i) {
      const auto code = static_cast<int8_t>(out[i]);
      float y = 0;
      std::memcpy(&y, from_floats.data() + 4 * i, 4);
      check(out[i] == (values.back()[i] ^ 0x80), "int8 codes out");
      check(y == arith::dequantize(code, 0.3F, 131 - 128), "the float output");
    }
  }
}

/// One dynamic layer by the formula of docs/numerics.md, with the scalar definitions.
void dynamic_formula() {
  constexpr size_t kIn = 11;
  constexpr size_t kOut = 5;
  test::Random random(52);
  std::vector<int8_t> w(kIn * kOut);
  random.fill_bytes(w.data(), w.size());
  std::vector<float> sw(kOut), bias(kOut), x(kIn * 7);
  for (size_t n = 0; n < kOut; ++n) sw[n] = 0.01F + random.unit() * 0.001F, bias[n] = random.unit();
  for (float& v : x) v = random.scaled(-3, 3);
  x[3] = std::numeric_limits<float>::infinity();  // saturates, and does not count for the scale
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    test::Net net(*kernel, 1);
    net.value("x", kIn, plan::ValueType::f32);
    net.value("y", kOut, plan::ValueType::f32);
    net.expect(net.builder.add(plan::DynamicLinearSpec{0, 1, {w.data(), false, kOut, kIn, {}}, sw, bias}));
    const PlanPtr plan = net.finish({0, Element::f32, {}}, {1, Element::f32, {}});
    const Bytes out = runner()(*plan, x.data(), 7);
    for (size_t m = 0; m < 7; ++m) {
      const arith::FiniteRange range = arith::finite_range(&x[m * kIn], kIn);
      const arith::DynamicParams p = arith::dynamic_params(range.min, range.max);
      for (size_t n = 0; n < kOut; ++n) {
        int32_t acc = 0;
        for (size_t k = 0; k < kIn; ++k) {
          acc += (arith::quantize(x[m * kIn + k], p.scale, {p.zero_point, 0, 255}) - p.zero_point) *
                 w[n * kIn + k];
        }
        const float expected = static_cast<float>(acc) * (p.scale * sw[n]) + bias[n];
        check(std::memcmp(&out[(m * kOut + n) * 4], &expected, 4) == 0, kernel->name);
      }
    }
  }
}

void nan_inputs() {
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    for (const Model& model : kModels) {
      const PlanPtr plan = model.make(*kernel, {});
      const size_t in = in_features(*plan);
      for (const size_t row : {size_t{0}, size_t{5}, size_t{6}, size_t{95}, size_t{96}, kRows - 1}) {
        const size_t column = (row * 7 + 3) % in;
        std::vector<float> x = random_rows(*plan, kRows);
        x[row * in + column] = kNaN;
        if (column + 1 < in) x[row * in + column + 1] = kNaN;  // the first one counts
        if (row + 1 < kRows) x[(row + 1) * in] = kNaN;
        (void)runner()(*plan, x.data(), kRows, Element::f32, Element::f32);
        if (!model.rejects_nan) {
          check(runner().status.ok(), "NaN passes through a float model");
          continue;
        }
        const std::string where =
            "row " + std::to_string(row) + ", column " + std::to_string(column) + " of ";
        check(runner().status.code() == Code::nan_input, model.name);
        check(runner().status.message().find(where) != std::string::npos, runner().status.message());

        runner().nan_is_zero = true;
        const Bytes as_zero = runner()(*plan, x.data(), kRows);
        runner().nan_is_zero = false;
        // In the branched model NaN also takes a float path, and stays NaN there.
        if (model.make == test::branched_model) continue;
        for (float& v : x) v = v != v ? 0.0F : v;
        check(as_zero == runner()(*plan, x.data(), kRows), std::string(model.name) + ": NaN as zero");
      }
    }
  }
}

void cancelled() {
  const PlanPtr plan = test::float_model(*test::kernels_here().front(), {});
  std::vector<float> x(kRows * in_features(*plan)), y(kRows * out_features(*plan));
  std::atomic<bool> cancel = true;
  plan::RunRequest q{x.data(), Element::f32, x.size(), y.data(), Element::f32, y.size(), false, &cancel, {}};
  check(plan->run(q).code() == Code::cancelled, "cancelled before the first block");
  cancel = false;
  check(plan->run(q).ok(), "not cancelled");
}

void threads() {
  for (const Model& model : {kModels[1], kModels[3]}) {
    const PlanPtr plan = model.make(*test::kernels_here().front(), {});
    const std::vector<float> x = random_rows(*plan, kRows);
    const Bytes expected = runner()(*plan, x.data(), kRows);
    std::atomic<int> different = 0;
    std::vector<std::thread> workers;
    for (int t = 0; t < 4; ++t) {
      workers.emplace_back([&] {
        for (int round = 0; round < 20; ++round) {
          Bytes y(expected.size());
          const plan::RunRequest q{x.data(),     Element::f32, x.size(), y.data(), Element::f32,
                                   y.size() / 4, false,        nullptr,  {}};
          if (!plan->run(q).ok() || y != expected) ++different;
        }
      });
    }
    for (std::thread& worker : workers) worker.join();
    check(different == 0, model.name);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (test::has_argument(argc, argv, "--quick")) row_step = 16;
  for (const Model& model : kModels) {
    run_case(std::string("plan, ") + model.name + ": kernels and batches", [&] { batches(model); });
    run_case(std::string("plan, ") + model.name + ": observed values", [&] { taps(model); });
  }
  run_case("plan: codes at the border", codes_at_the_border);
  run_case("plan: the dynamic formula", dynamic_formula);
  run_case("plan: NaN inputs", nan_inputs);
  run_case("plan: cancellation", cancelled);
  run_case("plan: one plan on many threads", threads);
  return test::finish();
}
