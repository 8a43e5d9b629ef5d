// Plans on several threads: the same bytes and the same errors as on one, for any number of threads and any
// split.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "kernels_here.h"
#include "parallel/pool.h"
#include "plan_models.h"

namespace {

using namespace requant;
using plan::Element;
using plan::PlanOptions;
using test::check;
using test::Net;
using test::PlanPtr;
using test::run_case;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr size_t kThreads[] = {1, 2, 3, 8};

parallel::Pool& pool() {
  static auto* const pool = new parallel::Pool(8);
  return *pool;
}

size_t in_features(const plan::Plan& plan) { return plan.values()[plan.input().value].features; }
size_t out_features(const plan::Plan& plan) { return plan.values()[plan.output().value].features; }

std::vector<float> random_rows(size_t rows, size_t features) {
  test::Random random(77);
  std::vector<float> x(rows * features);
  for (size_t i = 0; i < x.size(); ++i) x[i] = random.scaled(-4, static_cast<int>(i / features % 3));
  return x;
}

plan::RunRequest request(const plan::Plan& plan, const std::vector<float>& x, size_t rows,
                         std::vector<float>& y) {
  y.assign(rows * out_features(plan), -1.0F);
  plan::RunRequest q;
  q.input = x.data();
  q.input_size = rows * in_features(plan);
  q.output = y.data();
  q.output_size = y.size();
  return q;
}

std::vector<float> run(const plan::Plan& plan, const std::vector<float>& x, size_t rows) {
  std::vector<float> y;
  const Status status = plan.run(request(plan, x, rows, y));
  check(status.ok(), status.message());
  return y;
}

/// Wide enough to be shared by columns, with a last panel that is not full.
PlanPtr wide_static(const dispatch::Kernel& kernel, const PlanOptions& options) {
  Net net(kernel, 11);
  const auto x = net.value("x", 600, plan::ValueType::u8);
  const auto a = net.value("a", 700, plan::ValueType::u8);
  const auto b = net.value("b", 519, plan::ValueType::u8);
  const auto y = net.value("y", 333, plan::ValueType::f32);
  net.static_linear(x, a, true, {.weight_zero_points = true});
  net.static_linear(a, b, true, {.rounding = kernels::Rounding::gemmlowp});
  net.static_linear(b, y, false);
  return net.finish({x, Element::u8, Net::grid(0.02F, 131)}, {y, Element::f32, {}}, options);
}

PlanPtr wide_mixed(const dispatch::Kernel& kernel, const PlanOptions& options) {
  Net net(kernel, 12);
  const auto x = net.value("x", 500, plan::ValueType::f32);
  const auto a = net.value("a", 515, plan::ValueType::f32);
  const auto b = net.value("b", 515, plan::ValueType::f32);
  const auto c = net.value("c", 300, plan::ValueType::f32);
  const auto y = net.value("y", 201, plan::ValueType::f32);
  net.dynamic_linear(x, a, {.weight_zero_points = true});
  net.expect(net.builder.add_elementwise(a, b, arith::Elementwise::silu, {}));
  net.float_linear(b, c);
  net.weight_only_linear(c, y);
  return net.finish({x, Element::f32, {}}, {y, Element::f32, {}}, options);
}

PlanPtr wide_int4(const dispatch::Kernel& kernel, const PlanOptions& options) {
  Net net(kernel, 13);
  const auto x = net.value("x", 300, plan::ValueType::f32);
  const auto a = net.value("a", 601, plan::ValueType::f32);
  const auto y = net.value("y", 200, plan::ValueType::f32);
  net.int4_linear(x, a, gemm::Int4Activations::codes, 32);
  net.int4_linear(a, y, gemm::Int4Activations::float32, 128);
  return net.finish({x, Element::f32, {}}, {y, Element::f32, {}}, options);
}

struct Case {
  const char* name;
  PlanPtr (*make)(const dispatch::Kernel& kernel, const PlanOptions& options);
};

std::vector<Case> cases() {
  std::vector<Case> all{{"wide static", wide_static}, {"wide mixed", wide_mixed}, {"wide int4", wide_int4}};
  for (const test::Model& model : test::kModels) all.push_back({model.name, model.make});
  return all;
}

void same_bits(const Case& c, bool quick) {
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    const PlanPtr alone = c.make(*kernel, {});
    const bool large = in_features(*alone) > 10000;
    std::vector<size_t> counts{1, 2, 5, 6, 7, 12, 13, 31, 48, 97, 193};
    if (large || quick) counts = {1, 6, 13, 50};
    if (!large && !quick) counts.push_back(1000);
    const std::vector<float> x = random_rows(counts.back(), in_features(*alone));
    for (const size_t threads : kThreads) {
      const PlanPtr shared = c.make(*kernel, {.pool = &pool(), .threads = threads});
      check(shared->threads() == threads);
      for (const size_t rows : counts) {
        const std::vector<float> expected = run(*alone, x, rows);
        for (int round = 0; round < (quick ? 1 : 3); ++round) {
          const std::vector<float> y = run(*shared, x, rows);
          check(test::same_float(y.data(), expected.data(), y.size()),
                std::string(c.name) + ", " + kernel->name + ", " + std::to_string(threads) + " threads, " +
                    std::to_string(rows) + " rows");
        }
      }
    }
  }
}

void observed() {
  const dispatch::Kernel& kernel = *test::kernels_here().front();
  const PlanPtr plan = wide_static(kernel, {.observable = true, .pool = &pool()});
  const std::vector<float> x = random_rows(200, in_features(*plan));
  const std::vector<float> expected = run(*plan, x, 200);
  std::vector<uint8_t> first(200 * 700);
  const plan::Tap taps[] = {{1, reinterpret_cast<std::byte*>(first.data())}};
  std::vector<float> y;
  plan::RunRequest q = request(*plan, x, 200, y);
  q.taps = taps;
  check(plan->run(q).ok() && y == expected);
  check(std::count(first.begin(), first.end(), uint8_t{0}) < 200 * 700, "the tap shows something");
}

void nan_rows() {
  const dispatch::Kernel& kernel = *test::kernels_here().front();
  test::Random random(5);
  for (const size_t rows : {3, 20, 100, 1000}) {
    for (const size_t threads : kThreads) {
      const PlanPtr plan = wide_static(kernel, {.pool = &pool(), .threads = threads});
      for (int round = 0; round < 10; ++round) {
        std::vector<float> x = random_rows(rows, 600);
        size_t smallest = rows;
        for (int i = 0; i < 5; ++i) {
          const auto row = static_cast<size_t>(random.between(0, static_cast<int64_t>(rows) - 1));
          smallest = std::min(smallest, row);
          x[row * 600 + (row * 13) % 600] = kNaN;
        }
        std::vector<float> y;
        const Status status = plan->run(request(*plan, x, rows, y));
        const std::string expected = "expected numbers but received NaN at row " + std::to_string(smallest) +
                                     ", column " + std::to_string(smallest * 13 % 600) + " of 'x'";
        check(status.code() == Code::nan_input && status.message() == expected, status.message());
      }
    }
  }
}

/// An earlier row that meets a later stage with a NaN comes first, in the same block and in another one.
void nan_of_a_later_stage() {
  const dispatch::Kernel& kernel = *test::kernels_here().front();
  for (const size_t threads : kThreads) {
    Net net(kernel, 9);
    const auto x = net.value("x", 300, plan::ValueType::f32);
    const auto xq = net.value("xq", 300, plan::ValueType::u8);
    const auto side = net.value("side", 300, plan::ValueType::f32);
    const auto sq = net.value("sq", 300, plan::ValueType::u8);
    const auto both = net.value("both", 600, plan::ValueType::u8);
    const auto y = net.value("y", 300, plan::ValueType::f32);
    net.expect(net.builder.add_quantize(x, xq, Net::grid(0.02F, 131)));
    net.float_linear(x, side);
    net.expect(net.builder.add_quantize(side, sq, Net::grid(0.02F, 131)));
    net.expect(net.builder.add_concat({xq, sq}, both));
    net.static_linear(both, y, false);
    const PlanPtr plan =
        net.finish({x, Element::f32, {}}, {y, Element::f32, {}}, {.pool = &pool(), .threads = threads});
    for (const size_t later : {3, 400}) {
      std::vector<float> rows = random_rows(500, 300);
      rows[2 * 300 + 7] = kInf;  // saturates in 'xq', and Inf − Inf is NaN in 'side'
      rows[2 * 300 + 8] = kInf;
      rows[later * 300 + 5] = kNaN;
      std::vector<float> out;
      const Status status = plan->run(request(*plan, rows, 500, out));
      check(status.message().starts_with("expected numbers but received NaN at row 2, column ") &&
                status.message().ends_with(" of 'side'"),
            status.message());
    }
  }
}

void cancelled() {
  const PlanPtr plan = wide_static(*test::kernels_here().front(), {.pool = &pool()});
  const std::vector<float> x = random_rows(2000, 600);
  std::vector<float> y;
  std::atomic<bool> cancel = true;
  plan::RunRequest q = request(*plan, x, 2000, y);
  q.cancel = &cancel;
  check(plan->run(q).code() == Code::cancelled, "before the first block");
  check(std::count(y.begin(), y.end(), -1.0F) == static_cast<std::ptrdiff_t>(y.size()), "nothing written");
  cancel = false;
  std::thread other([&] { cancel = true; });
  const Status status = plan->run(q);
  check(status.ok() || status.code() == Code::cancelled, status.message());
  other.join();
  cancel = false;
  check(plan->run(q).ok(), "not cancelled");
}

void many_callers() {
  const dispatch::Kernel& kernel = *test::kernels_here().front();
  const PlanPtr plan = wide_static(kernel, {.pool = &pool()});
  const std::vector<float> x = random_rows(300, 600);
  const std::vector<float> few = run(*plan, x, 2), many = run(*plan, x, 300);
  std::atomic<int> different = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 6; ++t) {
    callers.emplace_back([&, t] {
      for (int round = 0; round < 15; ++round) {
        const bool is_few = (t + round) % 2 == 0;
        if (run(*plan, x, is_few ? 2 : 300) != (is_few ? few : many)) ++different;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  check(different == 0);
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = test::has_argument(argc, argv, "--quick");
  for (const Case& c : cases())
    run_case(std::string("plan on threads: ") + c.name, [&] { same_bits(c, quick); });
  run_case("plan on threads: observed values", observed);
  run_case("plan on threads: the first NaN", nan_rows);
  run_case("plan on threads: a NaN that a later stage meets", nan_of_a_later_stage);
  run_case("plan on threads: cancellation", cancelled);
  run_case("plan on threads: many callers", many_callers);
  return test::finish();
}
