// Products with sparse panels beside dense ones, in turns: from which share of zero 4 × 1 blocks they pay.
//   cmake -S . -B build/bench -DREQUANT_BENCH=ON -DREQUANT_ADDON=OFF && cmake --build build/bench
//   build/bench/sparse_bench [milliseconds]      a line of JSON for each case
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "dispatch/registry.h"
#include "gemm/column_params.h"
#include "gemm/qgemm.h"

namespace {

using namespace requant;
using Clock = std::chrono::steady_clock;

struct Shape {
  size_t m, k, n;
};

/// splitmix64
uint64_t next(uint64_t& state) {
  uint64_t z = state += 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

template <class T>
T unwrap(Result<T> result) {
  if (result.ok()) return std::move(result.value);
  std::fprintf(stderr, "%s\n", result.status.message().c_str());
  std::exit(1);
}

void unwrap(const Status& status) {
  if (!status.ok()) unwrap(Result<int>(status));
}

/// A product with its operands; codes out, half-up.
class Product {
 public:
  Product(const kernels::QGemmKernel& kernel, const Shape& s, const std::vector<int8_t>& w, bool sparse)
      : kernel_(kernel), shape_(s) {
    weights_ =
        unwrap(gemm::PackedWeights::make(kernel.layout, {w.data(), false, s.n, s.k, {}}, sparse ? 1 : 0));
    const std::vector<int32_t> bias(s.n, 37), multiplier(s.n, 0x40000080), shift(s.n, 41);
    unwrap(params_.fold_bias(*weights_, bias, 128));
    unwrap(params_.set_requantize({kernels::Rounding::half_up, multiplier, shift, {}, 10, 10, 255}, s.n));
    unwrap(params_.find_columns_by_magic(*weights_, bias, -128, 127));
    if (!x_.allocate(s.m * s.k) || !out_.allocate(s.m * s.n)) std::exit(1);
    uint64_t state = 5;
    for (size_t i = 0; i < x_.size(); ++i) x_[i] = static_cast<uint8_t>(next(state));
  }

  void run() {
    gemm::qgemm(kernel_, {x_.data(), shape_.m, shape_.k, shape_.k}, *weights_, params_.epilogue(),
                out_.data(), shape_.n);
  }
  /// Nanoseconds of a call.
  double time(size_t calls) {
    run();
    const auto begin = Clock::now();
    for (size_t i = 0; i < calls; ++i) run();
    return std::chrono::duration<double, std::nano>(Clock::now() - begin).count() /
           static_cast<double>(calls);
  }
  const gemm::PackedWeights& weights() const { return *weights_; }

 private:
  const kernels::QGemmKernel& kernel_;
  Shape shape_;
  std::shared_ptr<const gemm::PackedWeights> weights_;
  gemm::ColumnParams params_;
  AlignedBuffer<uint8_t> x_, out_;
};

std::vector<int8_t> sparse_weights(const Shape& s, double zeros) {
  std::vector<int8_t> w(s.n * s.k);
  uint64_t state = 7;
  for (size_t first = 0; first < s.n; first += 4) {
    for (size_t k = 0; k < s.k; ++k) {
      if (static_cast<double>(next(state) % 100'000) < zeros * 100'000) continue;
      for (size_t n = first; n < std::min(first + 4, s.n); ++n)
        w[n * s.k + k] = static_cast<int8_t>(next(state) % 254 - 127);
    }
  }
  return w;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void compare(const kernels::QGemmKernel& kernel, const Shape& s, double zeros, double milliseconds) {
  const auto w = sparse_weights(s, zeros);
  Product dense(kernel, s, w, false), sparse(kernel, s, w, true);
  constexpr double kTurn = 2e5;  // short: few of them are interrupted
  const auto calls = static_cast<size_t>(std::max(1.0, kTurn / dense.time(3)));
  std::vector<double> dense_ns, sparse_ns, ratio;
  const auto end = Clock::now() + std::chrono::duration<double, std::milli>(milliseconds);
  while (ratio.size() < 201 || Clock::now() < end) {
    dense_ns.push_back(dense.time(calls));
    sparse_ns.push_back(sparse.time(calls));
    ratio.push_back(dense_ns.back() / sparse_ns.back());
  }
  std::printf(
      "{\"m\":%zu,\"k\":%zu,\"n\":%zu,\"zeroBlocks\":%.2f,\"work\":%.3f,\"denseMicros\":%.2f,"
      "\"sparseMicros\":%.2f,\"ratio\":%.2f,\"denseBytes\":%zu,\"sparseBytes\":%zu}\n",
      s.m, s.k, s.n, zeros, sparse.weights().work(), median(dense_ns) / 1e3, median(sparse_ns) / 1e3,
      median(ratio), dense.weights().bytes(), sparse.weights().bytes());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const double milliseconds = argc > 1 ? std::atof(argv[1]) : 200;
  const kernels::QGemmKernel& kernel = *unwrap(dispatch::active_kernel())->set->qgemm;
  if (dispatch::sparse_panel_of(kernel) == nullptr) {
    std::fprintf(stderr, "this kernel has no sparse panels on this CPU\n");
    return 1;
  }
  for (const auto& [k, n] : {std::pair<size_t, size_t>{1024, 1024}, {512, 512}, {784, 512}}) {
    for (const double zeros : {.5, .55, .6, .7, .8, .9, .95}) {
      for (const size_t m : {1, 8, 32, 128}) compare(kernel, {m, k, n}, zeros, milliseconds);
    }
  }
  return 0;
}
