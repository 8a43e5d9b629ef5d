// The int8 product with fused bias, requantization and ReLU, and the float32 product, each against the peak
// of its own instruction on registers alone, measured in turn: one JSON object a line and shape.
//   gemm_bench [--kernel NAME] [--ms MILLISECONDS] MxKxN…
// With --int4 GROUP the product of int4 weights (groups of 32, 64 or 128) and codes, in turn with the int8
// one.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "dispatch/registry.h"
#include "extra_kernels.h"
#include "gemm/column_params.h"
#include "gemm/int4.h"
#include "gemm/qgemm.h"
#include "gemm/sgemm.h"

namespace {

using namespace requant;
using Clock = std::chrono::steady_clock;

struct Shape {
  size_t m, k, n;
};

/// Deterministic, evenly spread.
class Bytes {
 public:
  uint8_t next() noexcept {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<uint8_t>(state_ >> 56);
  }

 private:
  uint64_t state_ = 1;
};

double nanoseconds(Clock::duration d) { return std::chrono::duration<double, std::nano>(d).count(); }

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Nanoseconds a call, over as many calls as take about `target` nanoseconds.
template <class Call>
double time_calls(size_t calls, Call call) {
  const auto start = Clock::now();
  for (size_t i = 0; i < calls; ++i) call();
  return nanoseconds(Clock::now() - start) / static_cast<double>(calls);
}

struct Measured {
  double ns, percent;
};

/// Turns of (peak, product): the product's share of the peak around it.
template <class Call>
Measured against_peak(uint64_t (*peak)(uint64_t) noexcept, double macs, double milliseconds, Call call) {
  constexpr double kTurn = 1e6;  // nanoseconds of each side
  double once = time_calls(3, call);
  const auto calls = static_cast<size_t>(std::max(1.0, kTurn / once));
  constexpr uint64_t kPeakSteps = 100'000;
  std::vector<double> ns;
  std::vector<double> percent;
  const auto end = Clock::now() + std::chrono::duration<double, std::milli>(milliseconds);
  const auto peak_ns_per_mac = [&] {
    uint64_t done = 0;
    const double time = time_calls(1, [&] { done = peak(kPeakSteps); });
    return time / static_cast<double>(done);
  };
  double before = peak_ns_per_mac();
  while (ns.size() < 7 || Clock::now() < end) {
    const double time = time_calls(calls, call);
    const double after = peak_ns_per_mac();
    ns.push_back(time);
    percent.push_back(100 * macs * (before + after) / 2 / time);
    before = after;
  }
  return {median(ns), median(percent)};
}

template <class T>
AlignedBuffer<T> filled(size_t count, T (*make)(uint8_t)) {
  AlignedBuffer<T> buffer;
  if (!buffer.allocate(count)) std::exit(1);
  Bytes bytes;
  for (size_t i = 0; i < count; ++i) buffer[i] = make(bytes.next());
  return buffer;
}

template <class T>
T unwrap(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status.message().c_str());
    std::exit(1);
  }
  return std::move(result.value);
}

void unwrap(const Status& status) {
  if (!status.ok()) unwrap(Result<int>(status));
}

/// The int8 product with its operands.
class Int8Product {
 public:
  Int8Product(const kernels::KernelSet& set, const Shape& s) : set_(set), shape_(s) {
    x_ = filled<uint8_t>(s.m * s.k, [](uint8_t b) { return b; });
    const auto w = filled<int8_t>(s.n * s.k, [](uint8_t b) { return static_cast<int8_t>(b == 128 ? 0 : b); });
    std::vector<int32_t> bias(s.n);
    for (size_t i = 0; i < s.n; ++i) bias[i] = static_cast<int32_t>(i * 37);
    weights_ = unwrap(gemm::PackedWeights::make(set.qgemm->layout, {w.data(), false, s.n, s.k, {}}));
    std::vector<int32_t> multiplier(s.n), shift(s.n, 41);
    for (size_t i = 0; i < s.n; ++i) multiplier[i] = static_cast<int32_t>(0x40000080U + i % 512 * 0x12C000U);
    unwrap(params_.fold_bias(*weights_, bias, 128));
    unwrap(params_.set_requantize({kernels::Rounding::half_up, multiplier, shift, {}, 10, 10, 255}, s.n));
    unwrap(params_.find_columns_by_magic(*weights_, bias, -128, 127));
    if (!out_.allocate(s.m * s.n)) std::exit(1);
  }

  void run() {
    gemm::qgemm(*set_.qgemm, {x_.data(), shape_.m, shape_.k, shape_.k}, *weights_, params_.epilogue(),
                out_.data(), shape_.n);
  }

 private:
  const kernels::KernelSet& set_;
  Shape shape_;
  AlignedBuffer<uint8_t> x_, out_;
  std::shared_ptr<const gemm::PackedWeights> weights_;
  gemm::ColumnParams params_;
};

/// Codes with scale and zero point a row × int4 weights, float32 out.
class Int4Product {
 public:
  Int4Product(const kernels::KernelSet& set, const Shape& s, size_t group_size)
      : shape_(s), stride_(round_up(s.k, kernels::Int4Layout::kStep)) {
    x_ = filled<uint8_t>(s.m * stride_, [](uint8_t b) { return b; });
    // Nibbles in [-7, 7].
    const auto w = filled<uint8_t>(s.n * ((s.k + 1) / 2), [](uint8_t b) {
      return static_cast<uint8_t>((b % 16 == 8 ? 0 : b % 16) | (b / 16 == 8 ? 0 : b / 16 * 16));
    });
    const gemm::Int4Source source{{w.data(), w.size()}, s.n, s.k, group_size, {}};
    scales_.assign(s.n * source.groups(), 0x1.5p-7F);
    weights_ = unwrap(gemm::PackedInt4::make(set, {source.data, s.n, s.k, group_size, scales_},
                                             gemm::Int4Activations::codes));
    group_sums_.resize(s.m * source.groups());
    row_scale_.assign(s.m, 0.02F);
    zero_point_.assign(s.m, -128 & 0xFFFF);
    if (!out_.allocate(s.m * s.n) || !bias_.allocate(round_up(s.n, kernels::kColumnPad))) std::exit(1);
  }

  void run() {
    const MatrixView<const uint8_t> x{x_.data(), shape_.m, shape_.k, stride_};
    gemm::int4_group_sums(x, weights_->group_size(), group_sums_.data());
    gemm::int4_product({}, *weights_, {x, group_sums_.data(), row_scale_.data(), zero_point_.data()},
                       bias_.data(), out_.data());
  }

 private:
  Shape shape_;
  size_t stride_;
  AlignedBuffer<uint8_t> x_;
  AlignedBuffer<float> out_, bias_;
  std::vector<float> scales_, row_scale_;
  std::vector<int32_t> zero_point_, group_sums_;
  std::shared_ptr<const gemm::PackedInt4> weights_;
};

Measured int8_product(const kernels::KernelSet& set, const Shape& s, double ms) {
  Int8Product product(set, s);
  return against_peak(set.peak->int8, static_cast<double>(s.m) * s.k * s.n, ms, [&] { product.run(); });
}

/// Turns of (int8, int4): microseconds of both and how many times faster int4 is.
void print_int4(const dispatch::Kernel& kernel, const Shape& s, size_t group_size, double ms) {
  Int8Product int8(*kernel.set, s);
  Int4Product int4(*kernel.set, s, group_size);
  // Long turns, each after a call that is not timed: a model that serves finds in the caches what it left
  // there, not what the other side did.
  constexpr double kTurn = 10e6;
  const auto calls = static_cast<size_t>(std::max(1.0, kTurn / time_calls(3, [&] { int8.run(); })));
  std::vector<double> int8_ns, int4_ns, ratio;
  const auto end = Clock::now() + std::chrono::duration<double, std::milli>(ms);
  while (ratio.size() < 7 || Clock::now() < end) {
    int8.run();
    int8_ns.push_back(time_calls(calls, [&] { int8.run(); }));
    int4.run();
    int4_ns.push_back(time_calls(calls, [&] { int4.run(); }));
    ratio.push_back(int8_ns.back() / int4_ns.back());
  }
  std::printf(
      "{\"kernel\":\"%s\",\"m\":%zu,\"k\":%zu,\"n\":%zu,\"groupSize\":%zu,\"int8Micros\":%.3f,"
      "\"int4Micros\":%.3f,\"int4Ratio\":%.2f}\n",
      kernel.name, s.m, s.k, s.n, group_size, median(int8_ns) / 1e3, median(int4_ns) / 1e3, median(ratio));
  std::fflush(stdout);
}

Measured float32_product(const kernels::KernelSet& set, const Shape& s, double ms) {
  const auto unit = [](uint8_t b) { return static_cast<float>(b) / 255.0F - 0.5F; };
  const auto x = filled<float>(s.m * s.k, unit);
  const auto w = filled<float>(s.n * s.k, unit);
  const auto weights = unwrap(gemm::pack_float_weights(*set.sgemm, w.data(), s.k, 1, s.n, s.k));
  const auto bias = filled<float>(round_up(s.n, kernels::kColumnPad), unit);
  AlignedBuffer<float> out;
  if (!out.allocate(s.m * s.n)) std::exit(1);
  return against_peak(set.peak->float32, static_cast<double>(s.m) * s.k * s.n, ms, [&] {
    gemm::sgemm(*set.sgemm, {x.data(), s.m, s.k}, weights, nullptr, bias.data(), out.data(), s.n);
  });
}

/// By name among all kernels, or the best.
const dispatch::Kernel& choose(const std::string& name) {
  for (const dispatch::Kernel* kernel : test::all_kernels()) {
    if (name == kernel->name && dispatch::runs_here(*kernel)) return *kernel;
  }
  return *unwrap(dispatch::select_kernel(name));
}

}  // namespace

int main(int argc, char** argv) {
  const char* name = "";
  double ms = 200;
  size_t int4_group = 0;
  std::vector<Shape> shapes;
  for (int i = 1; i < argc; ++i) {
    Shape s{};
    if (std::strcmp(argv[i], "--kernel") == 0 && i + 1 < argc) {
      name = argv[++i];
    } else if (std::strcmp(argv[i], "--ms") == 0 && i + 1 < argc) {
      ms = std::atof(argv[++i]);
    } else if (std::strcmp(argv[i], "--int4") == 0 && i + 1 < argc) {
      int4_group = static_cast<size_t>(std::atoi(argv[++i]));
    } else if (std::sscanf(argv[i], "%zux%zux%zu", &s.m, &s.k, &s.n) == 3 && s.m * s.k * s.n > 0) {
      shapes.push_back(s);
    } else {
      std::fprintf(stderr,
                   "expected [--kernel NAME] [--ms MILLISECONDS] [--int4 GROUP] MxKxN… but received '%s'\n",
                   argv[i]);
      return 2;
    }
  }
  const dispatch::Kernel& kernel = choose(name);
  if (kernel.set->peak == nullptr) {
    std::fprintf(stderr, "expected a kernel with an instruction peak but received %s\n", kernel.name);
    return 2;
  }
  for (const Shape& s : shapes) {
    if (int4_group != 0) {
      print_int4(kernel, s, int4_group, ms);
      continue;
    }
    const Measured q = int8_product(*kernel.set, s, ms);
    const Measured f = float32_product(*kernel.set, s, ms);
    const double macs = static_cast<double>(s.m) * s.k * s.n;
    std::printf(
        "{\"kernel\":\"%s\",\"m\":%zu,\"k\":%zu,\"n\":%zu,\"int8Micros\":%.3f,\"int8Gmacs\":%.1f,"
        "\"int8PeakPercent\":%.1f,\"float32Micros\":%.3f,\"float32PeakPercent\":%.1f}\n",
        kernel.name, s.m, s.k, s.n, q.ns / 1e3, macs / q.ns, q.percent, f.ns / 1e3, f.percent);
    std::fflush(stdout);
  }
}
