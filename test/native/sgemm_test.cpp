// The float32 product and the weight-only int8 product of every kernel against gemm::reference_float_product,
// bit for bit: NaN, infinities and subnormals, transposed operands, scale and bias, operands in guarded
// memory.
#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

#include "check.h"
#include "gemm/reference.h"
#include "gemm/sgemm.h"
#include "guarded_buffer.h"
#include "kernels_here.h"
#include "random.h"
#include "shapes.h"

namespace {

using namespace requant;
using test::check;
using test::Flush;
using test::GuardedBuffer;
using test::Random;
using test::Shape;

// The largest edge shape and gaps of up to 3 in its smaller dimension.
constexpr size_t kMaxOperand = (7 + 3) * 32768 + 1024 * 64;
constexpr size_t kMaxWeights = (65 + 3) * 32768 + 1024 * 1024;
constexpr size_t kMaxOutput = 64 * 1024;

enum class Values { plain, wide, special };

float value_of(Values kind, Random& random) {
  if (kind == Values::plain) return random.unit();
  if (kind == Values::wide) return random.scaled(-126, 100);  // subnormals, overflow, cancellation
  return random.chance(40)  ? random.special()
         : random.chance(3) ? random.scaled(-140 + 14, -60)
                            : random.unit();
}

/// Element [row, column] of a row-major matrix in a larger or transposed array.
struct Layout {
  size_t row_stride, column_stride, size;
};

Layout layout_of(size_t rows, size_t columns, bool transposed, size_t gap) {
  if (transposed) return {1, rows + gap, (columns - 1) * (rows + gap) + rows};
  return {columns + gap, 1, (rows - 1) * (columns + gap) + columns};
}

template <class Weight>
class Problem {
 public:
  void make(const Shape& shape, Random& random, Flush flush) {
    shape_ = shape;
    flush_ = flush;
    const auto kind = static_cast<Values>(random.word() % 3);
    a_layout_ = layout_of(shape.m, shape.k, random.chance(2), random.word() % 4);
    w_layout_ = layout_of(shape.n, shape.k, random.chance(2), random.word() % 4);
    a_ = a_memory_.place(a_layout_.size, flush);
    w_ = w_memory_.place(w_layout_.size, flush);
    for (size_t i = 0; i < a_layout_.size; ++i) a_[i] = value_of(kind, random);
    for (size_t i = 0; i < w_layout_.size; ++i) {
      if constexpr (std::is_same_v<Weight, float>) {
        w_[i] = value_of(kind, random);
      } else {
        w_[i] = static_cast<int8_t>(random.word());
      }
    }
    scale_ = random.chance(2) ? column_values(scale_memory_, random, kind) : nullptr;
    bias_ = random.chance(2) ? column_values(bias_memory_, random, kind) : nullptr;
    reference();
  }

  void run(const kernels::SGemmKernel& kernel, size_t gap) {
    const auto weights =
        gemm::pack_float_weights(kernel, static_cast<const Weight*>(w_), w_layout_.row_stride,
                                 w_layout_.column_stride, shape_.n, shape_.k);
    if (!check(weights.ok(), "packing")) return;
    const size_t stride = shape_.n + gap;
    float* out = out_memory_.place((shape_.m - 1) * stride + shape_.n, flush_);
    gemm::sgemm(kernel, {a_, shape_.m, a_layout_.row_stride, a_layout_.column_stride}, weights.value, scale_,
                bias_, out, stride);
    bool same = out_memory_.untouched() && a_memory_.untouched() && w_memory_.untouched();
    for (size_t m = 0; m < shape_.m; ++m) {
      same &= test::same_float(out + m * stride, expected_.data() + m * shape_.n, shape_.n);
      for (size_t c = shape_.n; m + 1 < shape_.m && c < stride; ++c) {
        same &= std::bit_cast<uint32_t>(out[m * stride + c]) == 0xA5A5A5A5U;
      }
    }
    check(same, std::to_string(shape_.m) + "×" + std::to_string(shape_.n) + "×" + std::to_string(shape_.k) +
                    (scale_ != nullptr ? ", scale" : "") + (bias_ != nullptr ? ", bias" : "") + " differs");
  }

 private:
  const float* column_values(GuardedBuffer<float>& memory, Random& random, Values kind) {
    const size_t padded = round_up(shape_.n, kernels::kColumnPad);
    float* values = memory.place(padded, flush_);
    for (size_t c = 0; c < padded; ++c) values[c] = c < shape_.n ? value_of(kind, random) : 0.0F;
    return values;
  }

  void reference() {
    std::vector<float> x(shape_.m * shape_.k);
    std::vector<Weight> w(shape_.n * shape_.k);
    for (size_t k = 0; k < shape_.k; ++k) {
      for (size_t m = 0; m < shape_.m; ++m) {
        x[m * shape_.k + k] = a_[m * a_layout_.row_stride + k * a_layout_.column_stride];
      }
      for (size_t n = 0; n < shape_.n; ++n) {
        w[n * shape_.k + k] = w_[n * w_layout_.row_stride + k * w_layout_.column_stride];
      }
    }
    expected_.resize(shape_.m * shape_.n);
    gemm::reference_float_product<Weight>({x.data(), shape_.m, shape_.k, shape_.k},
                                          {w.data(), shape_.n, shape_.k, shape_.k},
                                          {expected_.data(), shape_.m, shape_.n, shape_.n});
    for (size_t i = 0; i < expected_.size(); ++i) {
      if (scale_ != nullptr) expected_[i] = expected_[i] * scale_[i % shape_.n];
      if (bias_ != nullptr) expected_[i] = expected_[i] + bias_[i % shape_.n];
    }
  }

  Shape shape_{};
  Flush flush_ = Flush::end;
  Layout a_layout_{}, w_layout_{};
  GuardedBuffer<float> a_memory_{kMaxOperand}, out_memory_{kMaxOutput}, scale_memory_{1024},
      bias_memory_{1024};
  GuardedBuffer<Weight> w_memory_{kMaxWeights};
  float* a_ = nullptr;
  Weight* w_ = nullptr;
  const float* scale_ = nullptr;
  const float* bias_ = nullptr;
  std::vector<float> expected_;
};

/// The reference is the cost, so each problem is made once and run on every kernel.
template <class Weight>
void run_shapes(const std::vector<const dispatch::Kernel*>& kernels, const std::vector<Shape>& shapes,
                int rounds) {
  Problem<Weight> problem;
  Random random(31);
  for (const Shape& shape : shapes) {
    for (int round = 0; round < rounds; ++round) {
      problem.make(shape, random, round % 2 == 0 ? Flush::end : Flush::start);
      const size_t gap = random.word() % 4;
      for (const dispatch::Kernel* kernel : kernels) problem.run(*kernel->set->sgemm, gap);
    }
  }
}

/// Chains that only one fused rounding a step, in ascending order, gets right.
void chain_order() {
  const float big = 0x1p24F;
  const float x[] = {1.0F, 1.0F, 1.0F, 1.0F, 0x1.000002p0F};
  const float w[] = {big, 1.0F, 1.0F, -big, 0x1.000002p0F};
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    const auto weights = gemm::pack_float_weights(*kernel->set->sgemm, w, 5, 1, 1, 5);
    float y = 0;
    gemm::sgemm(*kernel->set->sgemm, {x, 1, 5}, weights.value, nullptr, nullptr, &y, 1);
    // ((2^24 + 1) + 1) − 2^24 is 0 when each step rounds; then the exact square, rounded once.
    check(y == 0x1.000004p0F, kernel->name);
    const float a[] = {0x1.000002p0F, 1.0F};
    const float b[] = {0x1.000002p0F, -0x1.000004p0F};
    const auto pair = gemm::pack_float_weights(*kernel->set->sgemm, b, 2, 1, 1, 2);
    gemm::sgemm(*kernel->set->sgemm, {a, 1, 2}, pair.value, nullptr, nullptr, &y, 1);
    check(y == 0.0F, "the first product is rounded before the second is added");
    const float c[] = {-0x1.000004p0F, 0x1.000002p0F};
    const float d[] = {1.0F, 0x1.000002p0F};
    const auto fused = gemm::pack_float_weights(*kernel->set->sgemm, d, 2, 1, 1, 2);
    gemm::sgemm(*kernel->set->sgemm, {c, 1, 2}, fused.value, nullptr, nullptr, &y, 1);
    check(y == 0x1p-46F, "a fused step keeps the low bits of its product");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = test::has_argument(argc, argv, "--quick");
  const auto kernels = test::kernels_here();
  for (const dispatch::Kernel* kernel : kernels) std::printf("kernel %s\n", kernel->name);
  std::vector<Shape> cube;
  test::for_each_cube_shape(true, [&](const Shape& shape) { cube.push_back(shape); });
  const std::vector<Shape> edges = test::edge_shapes();
  const int rounds = quick ? 1 : 4;
  test::run_case("sgemm: order of the chain, one rounding a step", chain_order);
  test::run_case("sgemm, float32 weights: small shapes", [&] { run_shapes<float>(kernels, cube, rounds); });
  test::run_case("sgemm, float32 weights: edge shapes",
                 [&] { run_shapes<float>(kernels, edges, quick ? 1 : 2); });
  test::run_case("sgemm, int8 weights: small shapes", [&] { run_shapes<int8_t>(kernels, cube, rounds); });
  test::run_case("sgemm, int8 weights: edge shapes",
                 [&] { run_shapes<int8_t>(kernels, edges, quick ? 1 : 2); });
  return test::finish();
}
