// One fixed model and 1,000 fixed rows: the hash of the outputs is pinned, for every kernel, thread count and
// split of the rows. What test/models/same-bits.test.ts shows of the whole package, this shows on CPUs where
// there is no Node: the bits are those of every other CPU.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "check.h"
#include "kernels_here.h"
#include "parallel/pool.h"
#include "plan_models.h"

namespace {

using namespace requant;
using plan::Element;
using plan::ValueType;
using test::check;
using test::Net;
using test::PlanPtr;

constexpr size_t kRows = 1000;
constexpr size_t kRowsACall[] = {kRows, 1, 7, 128};
constexpr size_t kThreads[] = {1, 2, 3};
/// Of the outputs' bytes, little-endian. Only a new definition in docs/numerics.md may change it.
constexpr uint64_t kPinned = 0xbc9c45547050b9e5U;

constexpr uint64_t kPinnedNorm = 0x95ef354e6737d87cU;
constexpr uint64_t kPinnedFp8 = 0xe708308afbcee8b5U;

/// Every kind of product and of rounding, a table and float functions, with ragged widths. Weights and grids
/// are integers of a seeded generator, or these times a power of two.
PlanPtr fixed_model(const dispatch::Kernel& kernel, const plan::PlanOptions& options) {
  Net net(kernel, 2026);
  const auto x = net.value("x", 61, ValueType::u8);
  const auto a = net.value("a", 130, ValueType::u8);
  const auto b = net.value("b", 97, ValueType::u8);
  const auto c = net.value("c", 66, ValueType::u8);
  const auto d = net.value("d", 66, ValueType::u8);
  const auto e = net.value("e", 70, ValueType::u8);
  const auto f = net.value("f", 41, ValueType::f32);
  const auto g = net.value("g", 41, ValueType::f32);
  const auto h = net.value("h", 33, ValueType::f32);
  const auto i = net.value("i", 29, ValueType::f32);
  const auto j = net.value("j", 29, ValueType::f32);
  const auto y = net.value("y", 19, ValueType::f32);
  net.static_linear(x, a, true, {.lo = 131});
  net.static_linear(a, b, true, {.rounding = kernels::Rounding::half_even, .weight_zero_points = true});
  net.static_linear(b, c, true, {.rounding = kernels::Rounding::gemmlowp, .unsigned_weights = true});
  net.sigmoid_table(c, d);
  net.static_linear(d, e, true, {.rounding = kernels::Rounding::float32});
  net.static_linear(e, f, false);
  net.expect(net.builder.add_elementwise(f, g, arith::Elementwise::gelu, {}));
  net.dynamic_linear(g, h);
  net.weight_only_linear(h, i);
  net.expect(net.builder.add_elementwise(i, j, arith::Elementwise::tanh, {}));
  net.float_linear(j, y);
  return net.finish({x, Element::u8, Net::grid(0x1p-6F, 131)}, {y, Element::f32, {}}, options);
}

/// FNV-1a, 64 bits.
uint64_t hash_of(const std::vector<float>& values) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const float value : values) {
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) hash = (hash ^ (bits >> shift & 255U)) * 0x100000001b3U;
  }
  return hash;
}

std::vector<float> run(const plan::Plan& plan, const std::vector<float>& x, size_t rows_a_call) {
  const size_t in = x.size() / kRows;
  const size_t out = plan.values()[plan.output().value].features;
  std::vector<float> y(kRows * out);
  for (size_t row = 0; row < kRows; row += rows_a_call) {
    const size_t rows = std::min(rows_a_call, kRows - row);
    plan::RunRequest q;
    q.input = x.data() + row * in;
    q.input_size = rows * in;
    q.output = y.data() + row * out;
    q.output_size = rows * out;
    const Status status = plan.run(q);
    check(status.ok(), status.message());
  }
  return y;
}

/// `make` gives a model of `features` inputs.
void same_bits(const dispatch::Kernel& kernel,
               PlanPtr (*make)(const dispatch::Kernel&, const plan::PlanOptions&), size_t features,
               uint64_t pinned) {
  static auto* const pool = new parallel::Pool(3);
  test::Random random(61);
  std::vector<float> x(kRows * features);
  for (float& value : x) value = 2 * random.unit();
  for (const size_t threads : kThreads) {
    const PlanPtr plan = make(kernel, {.pool = pool, .threads = threads});
    check(plan->threads() == threads);
    for (const size_t rows_a_call : kRowsACall) {
      const uint64_t hash = hash_of(run(*plan, x, rows_a_call));
      char hex[19];
      std::snprintf(hex, sizeof hex, "0x%016llx", static_cast<unsigned long long>(hash));
      check(hash == pinned,
            std::to_string(threads) + " threads, " + std::to_string(rows_a_call) + " rows a call: " + hex);
    }
  }
}

}  // namespace

int main() {
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    test::run_case(std::string("the same bits: ") + kernel->name,
                   [&] { same_bits(*kernel, fixed_model, 61, kPinned); });
    test::run_case(std::string("the same bits with layer norm: ") + kernel->name,
                   [&] { same_bits(*kernel, test::norm_model, 43, kPinnedNorm); });
    test::run_case(std::string("the same bits with float8: ") + kernel->name,
                   [&] { same_bits(*kernel, test::fp8_model, 45, kPinnedFp8); });
  }
  return test::finish();
}
