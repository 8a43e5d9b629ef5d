// The int8 product with fused bias, requantization and ReLU, and the float32 product, each against the peak
// of its own instruction on registers alone, measured in turn: one JSON object a line and shape.
//   gemm_bench [--kernel NAME] [--ms MILLISECONDS] MxKxN…
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

Measured int8_product(const kernels::KernelSet& set, const Shape& s, double ms) {
  const auto x = filled<uint8_t>(s.m * s.k, [](uint8_t b) { return b; });
  const auto w = filled<int8_t>(s.n * s.k, [](uint8_t b) { return static_cast<int8_t>(b == 128 ? 0 : b); });
  std::vector<int32_t> bias(s.n);
  for (size_t i = 0; i < s.n; ++i) bias[i] = static_cast<int32_t>(i * 37);
  const auto weights = unwrap(gemm::PackedWeights::make(set.qgemm->layout, {w.data(), false, s.n, s.k, {}}));
  std::vector<int32_t> multiplier(s.n), shift(s.n, 41);
  for (size_t i = 0; i < s.n; ++i) multiplier[i] = static_cast<int32_t>(0x40000080U + i % 512 * 0x12C000U);
  gemm::ColumnParams params;
  unwrap(params.fold_bias(*weights, bias, 128));
  unwrap(params.set_requantize({kernels::Rounding::half_up, multiplier, shift, {}, 10, 10, 255}, s.n));
  unwrap(params.find_columns_by_magic(*weights, bias, -128, 127));
  AlignedBuffer<uint8_t> out;
  if (!out.allocate(s.m * s.n)) std::exit(1);
  return against_peak(set.peak->int8, static_cast<double>(s.m) * s.k * s.n, ms, [&] {
    gemm::qgemm(*set.qgemm, {x.data(), s.m, s.k, s.k}, *weights, params.epilogue(), out.data(), s.n);
  });
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
  std::vector<Shape> shapes;
  for (int i = 1; i < argc; ++i) {
    Shape s{};
    if (std::strcmp(argv[i], "--kernel") == 0 && i + 1 < argc) {
      name = argv[++i];
    } else if (std::strcmp(argv[i], "--ms") == 0 && i + 1 < argc) {
      ms = std::atof(argv[++i]);
    } else if (std::sscanf(argv[i], "%zux%zux%zu", &s.m, &s.k, &s.n) == 3 && s.m * s.k * s.n > 0) {
      shapes.push_back(s);
    } else {
      std::fprintf(stderr, "expected [--kernel NAME] [--ms MILLISECONDS] MxKxN… but received '%s'\n",
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
