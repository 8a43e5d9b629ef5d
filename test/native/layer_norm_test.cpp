// Layer norm of every kernel against arith/layer_norm.h, at tolerance 0 and at the edges of guarded memory,
// and that reference against float64.
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "arith/layer_norm.h"
#include "check.h"
#include "guarded_buffer.h"
#include "kernels_here.h"
#include "ops/layer_norm.h"
#include "random.h"

namespace {

using namespace requant;
using kernels::NormKernel;
using test::check;
using test::Flush;
using test::GuardedBuffer;
using test::Random;
using test::run_case;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kMax = std::numeric_limits<float>::max();
constexpr float kEpsilons[] = {1e-5F, 0.0F, 1.0F, 0x1p-149F, 1e-12F};
constexpr size_t kLargest = 70'001;

std::vector<size_t> lengths() {
  std::vector<size_t> all;
  for (size_t n = 1; n <= 70; ++n) all.push_back(n);
  all.insert(all.end(),
             {127, 128, 129, 255, 256, 257, 511, 1000, 1023, 1024, 1025, 4096, 65'535, 65'536, 65'537});
  all.push_back(kLargest);
  return all;
}

/// Rows of one size, of many sizes, on an offset, constant, and with everything that is special.
float value_of(Random& random, int kind) {
  switch (kind) {
    case 0:
      return random.unit();
    case 1:
      return random.scaled(-30, 20);
    case 2:
      return 1000.0F + random.unit();
    case 3:
      return 0.1F;
    case 4:
      return random.scaled(-149, -60);
    case 5:
      return random.chance(8) ? random.special() : random.unit();
    default:
      return random.any_float();
  }
}
constexpr int kKinds = 7;

struct Affine {
  std::vector<float> weight, bias;
};

Affine affine(Random& random, size_t n) {
  Affine all{std::vector<float>(n), std::vector<float>(n)};
  for (float& w : all.weight) w = random.scaled(-3, 3);
  for (float& b : all.bias) b = random.chance(8) ? -0.0F : random.scaled(-3, 3);
  return all;
}

bool same_sum(float a, float b) { return test::same_float(a, b) || (!std::isfinite(a) && !std::isfinite(b)); }

/// The loops alone.
void loops(const NormKernel& kernel) {
  GuardedBuffer<float> x_memory(kLargest), weight_memory(kLargest), bias_memory(kLargest), y_memory(kLargest);
  GuardedBuffer<uint8_t> code_memory(kLargest);
  Random random(71);
  for (const size_t n : lengths()) {
    for (int kind = 0; kind < kKinds; ++kind) {
      const Flush flush = (n + static_cast<size_t>(kind)) % 2 == 0 ? Flush::end : Flush::start;
      const std::string what = std::to_string(n) + " values of kind " + std::to_string(kind);
      float* x = x_memory.place(n, flush);
      for (size_t k = 0; k < n; ++k) x[k] = value_of(random, kind);
      const float sum = arith::row_sum(x, n);
      const float mean = arith::mean_of(sum, n);
      check(same_sum(kernel.sum(x, n), sum), "sum of " + what);
      check(same_sum(kernel.square_sum(x, n, mean), arith::row_square_sum(x, n, mean)), "squares of " + what);

      const Affine given = affine(random, n);
      const float* weight = weight_memory.copy(given.weight.data(), n, flush);
      const float* bias = bias_memory.copy(given.bias.data(), n, flush);
      float* y = y_memory.place(n, flush);
      const float factor = random.scaled(-20, 20);
      kernel.normalize({x, n, mean, factor, weight, bias, y});
      bool same = y_memory.untouched();
      for (size_t k = 0; k < n; ++k)
        same &= test::same_float(y[k], arith::normalize(x[k], mean, factor, weight[k], bias[k]));
      check(same, "normalize of " + what);

      uint8_t* q = code_memory.place(n, flush);
      random.fill_bytes(q, n);
      if (kind == 0) std::fill_n(q, n, uint8_t{255});
      uint64_t code_sum = 0, squares = 0;
      for (size_t k = 0; k < n; ++k) code_sum += q[k], squares += uint64_t{q[k]} * q[k];
      const kernels::CodeSums sums = kernel.code_sums(q, n);
      check(sums.sum == code_sum && sums.square_sum == squares, "code sums of " + what);

      const arith::CodeNorm norm{static_cast<int32_t>(random.between(0, 255)), factor, random.unit()};
      y = y_memory.place(n, flush);
      kernel.normalize_codes({q, n, norm.center, norm.step, norm.offset, weight, bias, y});
      same = y_memory.untouched();
      for (size_t k = 0; k < n; ++k)
        same &= test::same_float(y[k], arith::normalize_code(q[k], norm, weight[k], bias[k]));
      check(same, "normalize codes of " + what);
    }
  }
}

/// Whole rows, floats and codes.
void rows(const NormKernel& kernel) {
  Random random(72);
  std::vector<float> y, expected;
  for (const size_t n : lengths()) {
    const Affine given = affine(random, n);
    for (int kind = 0; kind < kKinds; ++kind) {
      const float epsilon = kEpsilons[random.word() % std::size(kEpsilons)];
      const auto norm = ops::LayerNorm::make(n, epsilon, given.weight, given.bias);
      check(norm.ok(), norm.status.message());
      std::vector<float> x(n);
      for (float& v : x) v = value_of(random, kind);
      y.assign(n, 7.0F);
      expected.assign(n, 8.0F);
      norm.value.row(kernel, x.data(), y.data());
      arith::layer_norm(x.data(), n, epsilon, given.weight.data(), given.bias.data(), expected.data());
      // NaN included: the row's is one bit pattern.
      check(std::memcmp(y.data(), expected.data(), n * sizeof(float)) == 0,
            std::to_string(n) + " values of kind " + std::to_string(kind));

      std::vector<uint8_t> q(n);
      random.fill_bytes(q.data(), n);
      if (kind == 1) std::fill(q.begin(), q.end(), q[0]);
      if (kind == 2) std::fill(q.begin() + 1, q.end(), q[0]);
      if (kind == 3)
        for (uint8_t& code : q) code = 100 + code % 2;
      const double scaled = arith::code_epsilon(epsilon, random.scaled(-90, 100), n);
      norm.value.codes_row(kernel, q.data(), scaled, y.data());
      arith::layer_norm_codes(q.data(), n, scaled, given.weight.data(), given.bias.data(), expected.data());
      check(std::memcmp(y.data(), expected.data(), n * sizeof(float)) == 0,
            std::to_string(n) + " codes of kind " + std::to_string(kind));
    }
  }
}

/// Without weight and bias: the same as ones, and no −0 lost.
void without_affine(const NormKernel& kernel) {
  const std::vector<float> x = {1.0F, -2.0F, 0.5F, 3.0F, 0.625F};
  const auto none = ops::LayerNorm::make(5, 1e-5, {}, {});
  const auto ones = ops::LayerNorm::make(5, 1e-5, std::vector<float>(5, 1.0F), std::vector<float>(5, 0.0F));
  std::vector<float> y(5), z(5);
  none.value.row(kernel, x.data(), y.data());
  ones.value.row(kernel, x.data(), z.data());
  check(test::same_float(y.data(), z.data(), 5), "none is ones and zeros");
  check(none.value.bytes() == 10 * sizeof(float), "bytes");
}

/// Rows that have no spread, or no sum.
void special_rows(const NormKernel& kernel) {
  const auto run = [&](std::vector<float> x, double epsilon) {
    std::vector<float> weight(x.size(), 2.0F), bias(x.size(), 0.25F), y(x.size());
    const auto norm = ops::LayerNorm::make(x.size(), epsilon, weight, bias);
    norm.value.row(kernel, x.data(), y.data());
    return y;
  };
  const auto all = [](const std::vector<float>& y, float value) {
    bool same = true;
    for (const float v : y) same &= std::bit_cast<uint32_t>(v) == std::bit_cast<uint32_t>(value);
    return same;
  };
  for (const double epsilon : {0.0, 1e-5}) {
    check(all(run({3.0F, 3.0F, 3.0F, 3.0F}, epsilon), 0.25F), "a constant row is the bias");
    check(all(run({0.0F, -0.0F, 0.0F}, epsilon), 0.25F), "a row of zeros is the bias");
    check(all(run({5.0F}, epsilon), 0.25F), "one feature is the bias");
    check(all(run({0x1p-149F, -0x1p-149F}, 0.0), 0.25F), "squares that underflow");
    for (const float bad : {kNaN, kInf, -kInf, std::bit_cast<float>(0xFFC00001U)}) {
      for (const size_t n : {1, 2, 17, 33}) {
        std::vector<float> x(n, 1.0F);
        x[n / 2] = bad;
        check(all(run(x, epsilon), kNaN), "a row with NaN or Inf is NaN");
      }
    }
    check(all(run({kInf, -kInf}, epsilon), kNaN), "both infinities");
    check(all(run({kMax, kMax, -kMax}, epsilon), kNaN), "a sum beyond float32");
    check(all(run({1e20F, -1e20F}, epsilon), kNaN), "squares beyond float32");
  }
  const std::vector<float> y = run({1.0F, 3.0F}, 0.0);
  check(y[0] == -1.75F && y[1] == 2.25F, "(x − 2) / 1 · 2 + .25");
}

/// |y − float64| in units of 2^−24 · max(1, |x̂|·|weight|).
double error_of(const std::vector<float>& y, const std::vector<double>& x, double epsilon,
                const Affine& given) {
  const auto n = static_cast<double>(x.size());
  double mean = 0, variance = 0, worst = 0;
  for (const double v : x) mean += v / n;
  for (const double v : x) variance += (v - mean) * (v - mean) / n;
  for (size_t k = 0; k < x.size(); ++k) {
    const double deviation = std::sqrt(variance + epsilon);
    const double normalized = deviation > 0 ? (x[k] - mean) / deviation : 0;
    const double expected = normalized * given.weight[k] + given.bias[k];
    const double size = std::fabs(normalized * given.weight[k]) + std::fabs(given.bias[k]);
    worst = std::fmax(worst, std::fabs(y[k] - expected) / (0x1p-24 * std::fmax(1.0, size)));
  }
  return worst;
}

void accuracy() {
  Random random(73);
  double floats = 0, codes = 0;
  for (const size_t n : lengths()) {
    if (n > 5000) continue;
    for (int round = 0; round < 20; ++round) {
      const Affine given = affine(random, n);
      std::vector<float> x(n), y(n);
      for (float& v : x) v = random.unit() * 3.0F + (round % 2 == 0 ? 0.0F : 0.5F);
      arith::layer_norm(x.data(), n, 1e-5F, given.weight.data(), given.bias.data(), y.data());
      floats = std::fmax(floats, error_of(y, {x.begin(), x.end()}, static_cast<double>(1e-5F), given));

      const auto lo = static_cast<uint8_t>(random.between(0, 254));
      const float scale = random.chance(2) ? 0.0123F : 0x1.8p-40F;
      std::vector<uint8_t> q(n);
      std::vector<double> real(n);
      for (size_t k = 0; k < n; ++k) {
        q[k] = static_cast<uint8_t>(random.between(lo, round % 4 == 0 ? 255 : lo + 1));
        real[k] = static_cast<double>(scale) * (q[k] - 131.0);
      }
      arith::layer_norm_codes(q.data(), n, arith::code_epsilon(1e-5F, scale, n), given.weight.data(),
                              given.bias.data(), y.data());
      codes = std::fmax(codes, error_of(y, real, static_cast<double>(1e-5F), given));
    }
  }
  std::printf("largest error, in 2^-24 of the terms: floats %.2f, codes %.2f\n", floats, codes);
  check(floats < 64, "floats");
  check(codes < 4, "codes");
}

/// Sums at their bounds: n·Σq² and (Σq)² need 64 bits without a sign.
void code_bounds() {
  const uint64_t n = uint64_t{1} << 24;
  const arith::CodeNorm half = arith::code_norm(n / 2 * 255, n / 2 * 255 * 255, n, 0.0);
  check(half.center == 128 && half.step == 1.0F / 127.5F && half.offset == 0.5F / 127.5F, "half 0, half 255");
  const arith::CodeNorm constant = arith::code_norm(n * 255, n * 255 * 255, n, 0.0);
  check(constant.center == 255 && constant.step == 0.0F && constant.offset == 0.0F, "all 255");
  const arith::CodeNorm one = arith::code_norm(n * 255 - 1, (n - 1) * 255 * 255 + 254 * 254, n, 0.0);
  check(one.center == 255 && std::fabs(one.step - 4096.0F) < 0.01F, "all 255 but one");
}

void arguments() {
  const std::vector<float> three(3, 1.0F);
  const auto code = [&](double epsilon, std::span<const float> weight, std::span<const float> bias) {
    return ops::LayerNorm::make(3, epsilon, weight, bias).status.code();
  };
  check(code(0.0, three, three) == Code::ok && code(1e-60, {}, {}) == Code::ok, "good ones");
  for (const double epsilon : {-1e-5, 1e39, static_cast<double>(kInf), static_cast<double>(kNaN)})
    check(code(epsilon, {}, {}) == Code::argument, "epsilon");
  check(code(1e-5, std::span(three).first(2), {}) == Code::shape, "a short weight");
  check(code(1e-5, {}, std::span(three).first(1)) == Code::shape, "a short bias");
}

}  // namespace

int main() {
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    const std::string name = kernel->name;
    const NormKernel& norm = kernel->set->vector->norm;
    run_case("layer norm, " + name + ": loops", [&] { loops(norm); });
    run_case("layer norm, " + name + ": rows", [&] { rows(norm); });
    run_case("layer norm, " + name + ": without weight and bias", [&] { without_affine(norm); });
    run_case("layer norm, " + name + ": special rows", [&] { special_rows(norm); });
  }
  run_case("layer norm: error against float64", accuracy);
  run_case("layer norm: bounds of the code sums", code_bounds);
  run_case("layer norm: arguments", arguments);
  return test::finish();
}
