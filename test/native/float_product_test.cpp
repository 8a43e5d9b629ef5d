// gemm::float_product of every kernel against gemm::reference_float_product, bit for bit: operands as they
// lie and transposed, gaps, bias, one thread and several; and the loops of native/training.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "check.h"
#include "gemm/float_product.h"
#include "gemm/reference.h"
#include "guarded_buffer.h"
#include "kernels_here.h"
#include "random.h"
#include "shapes.h"
#include "training/rows.h"
#include "training/share.h"

namespace {

using namespace requant;
using test::check;
using test::Flush;
using test::GuardedBuffer;
using test::Random;
using test::Shape;

/// One thread or four; pools live for ever.
parallel::Pool& pool_of(size_t threads) {
  static auto* const alone = new parallel::Pool(1);
  static auto* const several = new parallel::Pool(4);
  return threads == 1 ? *alone : *several;
}

constexpr size_t kMaxSize = size_t{1} << 20;

struct Operand {
  float* data;
  size_t stride, k_stride;
};

class Problem {
 public:
  Problem(const Shape& shape, Random& random, Flush flush) : shape_(shape), flush_(flush) {
    a_ = place(a_memory_, shape.m, random, x_);
    b_ = place(b_memory_, shape.n, random, w_);
    if (random.chance(2)) {
      bias_ = bias_memory_.place(shape.n, flush);
      for (size_t n = 0; n < shape.n; ++n) bias_[n] = random.unit();
    }
    expected_.resize(shape.m * shape.n);
    gemm::reference_float_product<float>({x_.data(), shape.m, shape.k, shape.k},
                                         {w_.data(), shape.n, shape.k, shape.k},
                                         {expected_.data(), shape.m, shape.n, shape.n});
    for (size_t i = 0; bias_ != nullptr && i < expected_.size(); ++i)
      expected_[i] = expected_[i] + bias_[i % shape.n];
  }

  void run(parallel::Pool& pool, const kernels::SGemmKernel& kernel) {
    float* out = out_memory_.place(expected_.size(), flush_);
    const Status status =
        gemm::float_product(pool, kernel, {a_.data, shape_.m, a_.stride, a_.k_stride},
                            {b_.data, shape_.n, shape_.k, b_.stride, b_.k_stride}, bias_, out);
    const bool untouched =
        out_memory_.untouched() && a_memory_.untouched() && b_memory_.untouched() && bias_memory_.untouched();
    check(status.ok() && untouched && test::same_float(out, expected_.data(), expected_.size()),
          std::to_string(shape_.m) + "×" + std::to_string(shape_.n) + "×" + std::to_string(shape_.k) +
              " of " + std::to_string(pool.threads()) + " threads differs");
  }

 private:
  /// A matrix [rows, k], or its transpose, in guarded memory; `plain` is the matrix row by row.
  Operand place(GuardedBuffer<float>& memory, size_t rows, Random& random, std::vector<float>& plain) {
    const size_t gap = random.word() % 4;
    const bool transposed = random.chance(2);
    const size_t width = (transposed ? rows : shape_.k) + gap;
    const size_t lines = transposed ? shape_.k : rows;
    const Operand operand{memory.place(lines * width - gap, flush_), transposed ? 1 : width,
                          transposed ? width : 1};
    plain.resize(rows * shape_.k);
    for (size_t r = 0; r < rows; ++r) {
      for (size_t k = 0; k < shape_.k; ++k) {
        const float value = random.chance(30) ? random.special() : random.unit();
        plain[r * shape_.k + k] = value;
        operand.data[r * operand.stride + k * operand.k_stride] = value;
      }
    }
    return operand;
  }

  Shape shape_;
  Flush flush_;
  GuardedBuffer<float> a_memory_{kMaxSize}, b_memory_{kMaxSize}, out_memory_{kMaxSize}, bias_memory_{4096};
  Operand a_{}, b_{};
  float* bias_ = nullptr;
  std::vector<float> x_, w_, expected_;
};

void products(const std::vector<Shape>& shapes) {
  parallel::Pool& alone = pool_of(1);
  parallel::Pool& several = pool_of(4);
  Random random(12);
  for (size_t i = 0; i < shapes.size(); ++i) {
    Problem problem(shapes[i], random, i % 2 == 0 ? Flush::end : Flush::start);
    for (const dispatch::Kernel* kernel : test::kernels_here()) {
      problem.run(alone, *kernel->set->sgemm);
      problem.run(several, *kernel->set->sgemm);
    }
  }
}

void rows() {
  const float source[] = {1, 2, 3, 4, 5, 6};
  const uint8_t bytes[] = {1, 255, 3, 0, 5, 6};
  const uint32_t chosen[] = {2, 0, 2};
  float out[6];
  training::gather_rows(source, 2, chosen, out);
  const float expected[] = {5, 6, 1, 2, 5, 6};
  check(test::same_float(out, expected, 6), "float rows");
  training::gather_rows(bytes, 2, chosen, out);
  const float widened[] = {5, 6, 1, 255, 5, 6};
  check(test::same_float(out, widened, 6), "rows of bytes");

  // Rounded in the order of the rows: (2^24 + 1) + 1 is 2^24 still.
  const float matrix[] = {0x1p24F, -0.0F, 1, -0.0F, 1, -0.0F};
  float sums[2];
  training::column_sums(matrix, sums);
  const float ordered[] = {0x1p24F, 0.0F};
  check(test::same_float(sums, ordered, 2), "column sums");
}

/// Every element once, whoever takes it.
void shared_elements() {
  constexpr size_t kCount = 100'003;
  for (const size_t threads : {1, 4}) {
    parallel::Pool& pool = pool_of(threads);
    std::vector<int> taken(kCount);
    training::share_elements(pool, kCount, [&](size_t first, size_t count) {
      for (size_t i = first; i < first + count; ++i) ++taken[i];
    });
    check(std::all_of(taken.begin(), taken.end(), [](int times) { return times == 1; }),
          std::to_string(threads) + " threads");
    training::share_elements(pool, 0, [&](size_t, size_t count) { check(count == 0, "nothing to do"); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = test::has_argument(argc, argv, "--quick");
  std::vector<Shape> shapes;
  test::for_each_cube_shape(true, [&](const Shape& shape) { shapes.push_back(shape); });
  test::run_case("float_product: small shapes", [&] { products(shapes); });
  // Several panels, a last one of every width; large enough to be shared.
  const std::vector<Shape> large = {{7, 200, 65}, {64, 193, 100}, {33, 129, 257}, {128, 256, 96}};
  test::run_case("float_product: several panels",
                 [&] { products(quick ? std::vector<Shape>(large.begin(), large.begin() + 2) : large); });
  test::run_case("rows", rows);
  test::run_case("elements shared by threads", shared_elements);
  return test::finish();
}
