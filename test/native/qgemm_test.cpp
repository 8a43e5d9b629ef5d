// ops::qgemm of one kernel against the triple loop of gemm/reference.h and the scalar requantizers: every
// shape up to 40 × 40 × 40 and the edge table, operands and outputs in guarded memory.
//   qgemm_test KERNEL [--quick]; without a kernel: all that run here
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "arith/requantize.h"
#include "check.h"
#include "corpus.h"
#include "gemm/reference.h"
#include "guarded_buffer.h"
#include "kernels_here.h"
#include "ops/qgemm_op.h"
#include "random.h"
#include "shapes.h"

namespace {

using namespace requant;
using kernels::Rounding;
using test::check;
using test::Flush;
using test::GuardedBuffer;
using test::Random;
using test::Shape;

constexpr size_t kMaxOperand = 7 * 32768 + 513 * 64;
constexpr size_t kMaxWeights = 65 * 32768 + 1024 * 1024;
constexpr size_t kMaxOutput = 64 * 1024;

std::string text(const Shape& s) {
  return std::to_string(s.m) + "×" + std::to_string(s.n) + "×" + std::to_string(s.k);
}

/// One product: operands, parameters, and the accumulators that the reference computes from them.
class Problem {
 public:
  /// `zeros`: percent of the blocks of four outputs × one input that are 0.
  void make(const Shape& shape, Random& random, Flush flush, uint64_t zeros = 0) {
    shape_ = shape;
    flush_ = flush;
    x_unsigned_ = random.chance(2);
    w_unsigned_ = random.chance(2);
    uint8_t* x = x_memory_.place(shape.m * shape.k, flush);
    uint8_t* w = w_memory_.place(shape.n * shape.k, flush);
    random.fill_bytes(x, shape.m * shape.k);
    random.fill_bytes(w, shape.n * shape.k);
    if (random.chance(8)) fill_extremes(x, shape.m * shape.k, x_unsigned_, random);
    if (random.chance(8)) fill_extremes(w, shape.n * shape.k, w_unsigned_, random);
    if (zeros > 0) clear_blocks(w, zeros, random);
    x_ = x;
    w_ = w;
    x_zero_point_ = zero_point(x_unsigned_, random);
    make_weight_zero_points(random);
    bias_.clear();
    const int64_t room = shape.k <= 8192 ? int64_t{1} << 30 : int64_t{1} << 20;
    for (size_t n = 0; n < shape.n && shape.k % 3 != 0; ++n) {
      bias_.push_back(static_cast<int32_t>(random.between(-room, room) >> (random.word() % 31)));
    }
    accumulate();
  }

  /// Makes PackedWeights for `kernel` and compares the three outputs.
  void run(const kernels::KernelSet& kernel, Random& random, Rounding rounding) {
    const gemm::WeightSource source{w_, w_unsigned_, shape_.n, shape_.k, zw_};
    if (!check(ops::check_weights(source, shape_.n * shape_.k).ok(), "weights")) return;
    const auto weights = gemm::PackedWeights::make(*kernel.qgemm, source);
    if (!check(weights.ok(), "packing")) return;
    sparse += weights.value->is_sparse() ? 1 : 0;
    ops::QGemmRequest request;
    request.x = {x_, shape_.m * shape_.k, x_unsigned_};
    request.weights = weights.value.get();
    request.x_zero_point = x_zero_point_;
    request.bias = bias_;
    compare_int32(kernel, request);
    compare_codes(kernel, request, random, rounding);
    compare_dequantized(kernel, request, random);
    if (!x_memory_.untouched() || !w_memory_.untouched()) fail("wrote beside the operands");
  }

  static inline long live = 0;
  static inline long codes = 0;
  static inline long sparse = 0;

 private:
  size_t outputs() const { return shape_.m * shape_.n; }
  void fail(const char* what) const { check(false, text(shape_) + ": " + what); }

  static void fill_extremes(uint8_t* data, size_t count, bool is_unsigned, Random& random) {
    const uint8_t ends[] = {static_cast<uint8_t>(is_unsigned ? 0 : 0x80),
                            static_cast<uint8_t>(is_unsigned ? 255 : 127)};
    const uint64_t mode = random.word() % 3;  // all low, all high, mixed
    for (size_t i = 0; i < count; ++i) data[i] = ends[mode < 2 ? mode : random.word() % 2];
  }

  void clear_blocks(uint8_t* w, uint64_t percent, Random& random) const {
    for (size_t first = 0; first < shape_.n; first += 4) {
      for (size_t k = 0; k < shape_.k; ++k) {
        if (random.word() % 100 >= percent) continue;
        for (size_t n = first; n < std::min(first + 4, shape_.n); ++n)
          w[n * shape_.k + k] = w_unsigned_ ? 128 : 0;
      }
    }
  }

  static int32_t zero_point(bool is_unsigned, Random& random) {
    const auto range = ops::range_of(is_unsigned);
    const uint64_t mode = random.word() % 4;
    if (mode == 0) return range.lo;
    if (mode == 1) return range.hi;
    return static_cast<int32_t>(random.between(range.lo, range.hi));
  }

  void make_weight_zero_points(Random& random) {
    zw_.clear();
    const uint64_t mode = random.word() % 4;  // none, one, one a column twice
    if (mode == 1) zw_.push_back(zero_point(w_unsigned_, random));
    for (size_t n = 0; mode >= 2 && n < shape_.n; ++n) zw_.push_back(zero_point(w_unsigned_, random));
  }

  void accumulate() {
    acc_.assign(outputs(), 0);
    std::vector<int32_t> zw(zw_);
    if (zw.size() == 1) zw.assign(shape_.n, zw_[0]);
    const auto reference = [&]<class X, class W>(const X* x, const W* w) {
      gemm::reference_accumulate<X, W>({x, shape_.m, shape_.k, shape_.k}, x_zero_point_,
                                       {w, shape_.n, shape_.k, shape_.k}, zw, bias_,
                                       {acc_.data(), shape_.m, shape_.n, shape_.n});
    };
    const auto* xs = reinterpret_cast<const int8_t*>(x_);
    const auto* ws = reinterpret_cast<const int8_t*>(w_);
    if (x_unsigned_) {
      w_unsigned_ ? reference(x_, w_) : reference(x_, ws);
    } else {
      w_unsigned_ ? reference(xs, w_) : reference(xs, ws);
    }
  }

  /// Runs into guarded memory; null after an error.
  template <class T>
  const T* output_of(const kernels::KernelSet& kernel, ops::QGemmRequest request) {
    uint8_t* out = out_memory_.place(outputs() * sizeof(T), flush_);
    request.out = out;
    request.out_size = outputs();
    const Status status = ops::qgemm(kernel, request);
    if (!status.ok()) fail(status.message().c_str());
    if (!out_memory_.untouched()) fail("wrote beside the output");
    return status.ok() ? reinterpret_cast<const T*>(out) : nullptr;
  }

  void compare_int32(const kernels::KernelSet& kernel, const ops::QGemmRequest& request) {
    const auto* out = output_of<int32_t>(kernel, request);
    if (out != nullptr && std::memcmp(out, acc_.data(), outputs() * 4) != 0) fail("int32 differs");
  }

  void compare_codes(const kernels::KernelSet& kernel, ops::QGemmRequest request, Random& random,
                     Rounding rounding) {
    request.out_is_unsigned = random.chance(2);
    const auto range = ops::range_of(request.out_is_unsigned);
    gemm::RequantizeSpec spec;
    spec.rounding = rounding;
    spec.zero_point = zero_point(request.out_is_unsigned, random);
    const int32_t zy = spec.zero_point;
    spec.lo = random.chance(4)   ? zy
              : random.chance(4) ? static_cast<int32_t>(random.between(range.lo, zy))
                                 : range.lo;
    spec.hi = random.chance(4) ? static_cast<int32_t>(random.between(spec.lo, range.hi)) : range.hi;
    // A scale at which accumulators of the usual size fill the codes' range.
    const size_t columns = random.chance(2) ? shape_.n : 1;
    std::vector<int32_t> m(columns), s(columns);
    for (size_t c = 0; c < columns; ++c) {
      const auto size = static_cast<uint32_t>(acc_[random.word() % outputs()]);
      const int bits = 32 - std::countl_zero((size >> 31) != 0 ? ~size : size);
      s[c] = static_cast<int32_t>(std::clamp<int64_t>(30 + bits - 7 + random.between(-1, 2), 25, 63));
      m[c] = random.chance(4) ? test::normalized(static_cast<int32_t>(random.between(1, 1023)))
                              : static_cast<int32_t>(random.between(1 << 30, INT32_MAX));
    }
    spec.multiplier = m;
    spec.shift = s;
    request.requantize = spec;
    const auto* out = output_of<uint8_t>(kernel, request);
    if (out == nullptr) return;
    long bad = 0;
    for (size_t i = 0; i < outputs(); ++i) {
      const size_t c = columns == 1 ? 0 : i % shape_.n;
      const int32_t code = requantized(acc_[i], m[c], s[c], spec);
      bad += out[i] != static_cast<uint8_t>(code);
      live += code > spec.lo && code < spec.hi;
    }
    codes += static_cast<long>(outputs());
    if (bad != 0) fail((std::to_string(bad) + " codes differ, " + test::name_of(rounding)).c_str());
  }

  static int32_t requantized(int32_t acc, int32_t m, int32_t s, const gemm::RequantizeSpec& spec) {
    const arith::CodeRange y{spec.zero_point, spec.lo, spec.hi};
    switch (spec.rounding) {
      case Rounding::half_up:
        return arith::place(arith::round_half_up(acc, m, s), y);
      case Rounding::half_even:
        return arith::place(arith::round_half_even(acc, m, s), y);
      case Rounding::gemmlowp:
        return arith::place(arith::round_gemmlowp(acc, m, s), y);
      case Rounding::float32:
        break;
    }
    return arith::requantize_float32(acc, arith::multiplier_as_float(m, s), y);
  }

  void compare_dequantized(const kernels::KernelSet& kernel, ops::QGemmRequest request, Random& random) {
    std::vector<float> scale(random.chance(2) ? shape_.n : 1);
    for (float& s : scale) s = random.scaled(-20, 3);
    request.dequantize_scale = scale;
    const auto* out = output_of<float>(kernel, request);
    if (out == nullptr) return;
    for (size_t i = 0; i < outputs(); ++i) {
      const float s = scale[scale.size() == 1 ? 0 : i % shape_.n];
      if (!test::same_float(out[i], static_cast<float>(acc_[i]) * s)) return fail("float output differs");
    }
  }

  Shape shape_{};
  Flush flush_ = Flush::end;
  bool x_unsigned_ = true, w_unsigned_ = false;
  int32_t x_zero_point_ = 0;
  GuardedBuffer<uint8_t> x_memory_{kMaxOperand}, w_memory_{kMaxWeights}, out_memory_{kMaxOutput * 4};
  const uint8_t* x_ = nullptr;
  const uint8_t* w_ = nullptr;
  std::vector<int32_t> zw_, bias_, acc_;
};

void cube(const kernels::KernelSet& kernel, bool quick) {
  Problem problem;
  Random random(21);
  size_t index = 0;
  for (const Flush flush : {Flush::end, Flush::start}) {
    test::for_each_cube_shape(quick, [&](const Shape& shape) {
      problem.make(shape, random, flush);
      problem.run(kernel, random, test::kRoundings[index++ % 4]);
    });
  }
  std::printf("  %zu products of three outputs\n", index);
}

void edges(const kernels::KernelSet& kernel, bool quick) {
  Problem problem;
  Random random(22);
  for (const Shape& shape : test::edge_shapes()) {
    for (int round = 0; round < (quick ? 2 : 8); ++round) {
      problem.make(shape, random, round % 2 == 0 ? Flush::end : Flush::start);
      problem.run(kernel, random, test::kRoundings[(round / 2 + shape.k) % 4]);
    }
  }
}

/// Weights that kernels with sparse panels pack in these.
void zero_blocks(const kernels::KernelSet& kernel, bool quick) {
  Problem problem;
  Random random(23);
  const long before = Problem::sparse;
  size_t index = 0;
  for (const size_t k : {64U, 65U, 79U, 80U, 127U, 129U, 333U, 1024U}) {
    for (const size_t n : {1U, 3U, 4U, 6U, 15U, 16U, 17U, 33U, 64U, 100U}) {
      for (size_t m = 1; m <= (quick ? 3U : 21U); ++m) {
        const uint64_t percent = std::array{60U, 75U, 90U, 97U, 100U}[random.word() % 5];
        problem.make({m, n, k}, random, index % 2 == 0 ? Flush::end : Flush::start, percent);
        problem.run(kernel, random, test::kRoundings[index++ / 2 % 4]);
      }
    }
  }
  const auto sparse = static_cast<size_t>(Problem::sparse - before);
  std::printf("  %zu products, %zu of them with sparse panels\n", index, sparse);
  const bool has = dispatch::sparse_panel_of(*kernel.qgemm) != nullptr;
  check(has ? sparse > index / 2 : sparse == 0, "sparse panels where the kernel has them");
}

void run_kernel(const dispatch::Kernel& kernel, bool quick) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string name = kernel.name;
  test::run_case("qgemm, " + name + ": all small shapes", [&] { cube(*kernel.set, quick); });
  test::run_case("qgemm, " + name + ": edge shapes", [&] { edges(*kernel.set, quick); });
  test::run_case("qgemm, " + name + ": zero blocks", [&] { zero_blocks(*kernel.set, quick); });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("  %.1f s; %.0f%% of the codes inside their clamp\n", seconds.count(),
              100.0 * static_cast<double>(Problem::live) / static_cast<double>(Problem::codes));
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = test::has_argument(argc, argv, "--quick");
  const std::string_view name = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
  bool known = name.empty();
  for (const dispatch::Kernel* kernel : test::all_kernels()) {
    if (!name.empty() && name != kernel->name) continue;
    known = true;
    if (dispatch::runs_here(*kernel)) {
      run_kernel(*kernel, quick);
    } else {
      std::printf("skip %s: this CPU does not run it\n", kernel->name);
    }
  }
  if (!known) {
    test::run_case("qgemm: kernel name", [] { check(false, "expected a kernel that is compiled in"); });
  }
  return test::finish();
}
