// The products with int4 weights of every kernel against gemm::reference_int4_product, bit for bit: codes and
// float32, every group size, short last groups, odd k, scales of full and of half length, guarded memory.
#include <cstdio>
#include <string>
#include <vector>

#include "check.h"
#include "gemm/int4.h"
#include "gemm/reference.h"
#include "guarded_buffer.h"
#include "kernels_here.h"
#include "random.h"
#include "shapes.h"

namespace {

using namespace requant;
using gemm::Int4Activations;
using test::check;
using test::Flush;
using test::GuardedBuffer;
using test::Random;
using test::Shape;

constexpr size_t kMaxOperand = 1 << 18;
constexpr size_t kMaxOutput = 64 * 1024;

class Problem {
 public:
  void make(const Shape& shape, Random& random, Flush flush) {
    shape_ = shape;
    flush_ = flush;
    group_size_ = size_t{32} << random.word() % 3;
    groups_ = (shape.k + group_size_ - 1) / group_size_;
    make_weights(random);
    make_activations(random);
    bias_ = nullptr;
    if (random.chance(2)) {
      const size_t padded = round_up(shape.n, kernels::kColumnPad);
      bias_ = bias_memory_.place(padded, flush);
      for (size_t c = 0; c < padded; ++c) bias_[c] = random.unit();
    }
    reference();
  }

  void run(const dispatch::Kernel& kernel) {
    const gemm::Int4Source source{packed_, shape_.n, shape_.k, group_size_, scale_};
    run_codes(kernel, source);
    run_floats(kernel, source);
  }

 private:
  void make_weights(Random& random) {
    const size_t row_bytes = (shape_.k + 1) / 2;
    w_.resize(shape_.n * shape_.k);
    packed_.assign(shape_.n * row_bytes, 0);
    const bool extreme = random.chance(4);
    for (size_t i = 0; i < w_.size(); ++i) {
      w_[i] = static_cast<int8_t>(extreme ? (random.chance(2) ? 7 : -7) : random.between(-7, 7));
      const size_t k = i % shape_.k;
      packed_[i / shape_.k * row_bytes + k / 2] |=
          static_cast<uint8_t>((w_[i] & 0x0F) << (k % 2 == 0 ? 0 : 4));
    }
    const bool half_length = random.chance(2);
    scale_.resize(shape_.n * groups_);
    for (float& s : scale_) {
      s = 0.001F + 0.01F * (1.0F + random.unit());
      if (half_length) s = std::bit_cast<float>(std::bit_cast<uint32_t>(s) & 0xFFFF0000U);
    }
    if (random.chance(4)) scale_[0] = 0x1p-100F;
  }

  void make_activations(Random& random) {
    const size_t count = shape_.m * shape_.k;
    stride_ = round_up(shape_.k, kernels::Int4Layout::kStep);
    codes_ = code_memory_.place(shape_.m * stride_, flush_);  // what pads a row is not 0
    floats_ = float_memory_.place(count, flush_);
    const bool extreme = random.chance(4);
    for (size_t m = 0; m < shape_.m; ++m) {
      for (size_t k = 0; k < shape_.k; ++k)
        codes_[m * stride_ + k] = extreme ? 255 : static_cast<uint8_t>(random.word());
    }
    for (size_t i = 0; i < count; ++i) floats_[i] = random.chance(50) ? random.special() : random.unit();
    zero_point_.resize(shape_.m);
    minus_zero_point_.resize(shape_.m);
    row_scale_.resize(shape_.m);
    const bool no_zero_points = random.chance(3);
    for (size_t m = 0; m < shape_.m; ++m) {
      zero_point_[m] = no_zero_points ? 0 : static_cast<int32_t>(random.between(0, 255));
      minus_zero_point_[m] = -zero_point_[m] & 0xFFFF;
      row_scale_[m] = 0.02F + 0.01F * random.unit();
    }
  }

  void reference() {
    const MatrixView<const int8_t> w{w_.data(), shape_.n, shape_.k, shape_.k};
    const MatrixView<const float> scale{scale_.data(), shape_.n, groups_, groups_};
    expected_codes_.resize(shape_.m * shape_.n);
    expected_floats_.resize(shape_.m * shape_.n);
    gemm::reference_int4_product({codes_, shape_.m, shape_.k, stride_}, zero_point_, row_scale_, w,
                                 group_size_, scale, {expected_codes_.data(), shape_.m, shape_.n, shape_.n});
    gemm::reference_int4_product({floats_, shape_.m, shape_.k, shape_.k}, w, group_size_, scale,
                                 {expected_floats_.data(), shape_.m, shape_.n, shape_.n});
    for (size_t i = 0; bias_ != nullptr && i < expected_codes_.size(); ++i) {
      expected_codes_[i] = expected_codes_[i] + bias_[i % shape_.n];
      expected_floats_[i] = expected_floats_[i] + bias_[i % shape_.n];
    }
  }

  void run_codes(const dispatch::Kernel& kernel, const gemm::Int4Source& source) {
    const auto weights = gemm::PackedInt4::make(*kernel.set, source, Int4Activations::codes);
    if (!check(weights.ok(), weights.status.message())) return;
    const MatrixView<const uint8_t> x{codes_, shape_.m, shape_.k, stride_};
    std::vector<int32_t> sums(shape_.m * groups_);
    gemm::int4_group_sums(x, group_size_, sums.data());
    float* out = out_memory_.place(shape_.m * shape_.n, flush_);
    gemm::int4_product({}, *weights.value, {x, sums.data(), row_scale_.data(), minus_zero_point_.data()},
                       bias_, out);
    compare(kernel, "codes", out, expected_codes_);
  }

  void run_floats(const dispatch::Kernel& kernel, const gemm::Int4Source& source) {
    const auto weights = gemm::PackedInt4::make(*kernel.set, source, Int4Activations::float32);
    if (!check(weights.ok(), weights.status.message())) return;
    float* out = out_memory_.place(shape_.m * shape_.n, flush_);
    gemm::int4_product({}, *weights.value, MatrixView<const float>{floats_, shape_.m, shape_.k, shape_.k},
                       bias_, out);
    compare(kernel, "float32", out, expected_floats_);
  }

  void compare(const dispatch::Kernel& kernel, const char* what, const float* out,
               const std::vector<float>& expected) {
    const bool same = out_memory_.untouched() && code_memory_.untouched() && float_memory_.untouched() &&
                      test::same_float(out, expected.data(), expected.size());
    check(same, std::string(kernel.name) + ", " + what + ", " + std::to_string(shape_.m) + "×" +
                    std::to_string(shape_.n) + "×" + std::to_string(shape_.k) + ", groups of " +
                    std::to_string(group_size_));
  }

  Shape shape_{};
  Flush flush_ = Flush::end;
  size_t group_size_ = 32, groups_ = 0, stride_ = 0;
  std::vector<int8_t> w_;
  std::vector<uint8_t> packed_;
  std::vector<float> scale_, row_scale_;
  std::vector<int32_t> zero_point_, minus_zero_point_;
  GuardedBuffer<uint8_t> code_memory_{kMaxOperand};
  GuardedBuffer<float> float_memory_{kMaxOperand}, out_memory_{kMaxOutput}, bias_memory_{1024};
  uint8_t* codes_ = nullptr;
  float* floats_ = nullptr;
  float* bias_ = nullptr;
  std::vector<float> expected_codes_, expected_floats_;
};

void run_shapes(const std::vector<Shape>& shapes, int rounds) {
  Problem problem;
  Random random(47);
  for (const Shape& shape : shapes) {
    for (int round = 0; round < rounds; ++round) {
      problem.make(shape, random, round % 2 == 0 ? Flush::end : Flush::start);
      for (const dispatch::Kernel* kernel : test::kernels_here()) problem.run(*kernel);
    }
  }
}

/// Around the tiles' rows, the panels' columns, and the ends of groups and steps.
std::vector<Shape> int4_shapes() {
  std::vector<Shape> all;
  for (const size_t m : {1, 2, 3, 6, 7, 13}) {
    for (const size_t n : {1, 7, 16, 17, 32, 33, 64, 65, 130}) {
      for (const size_t k : {1, 3, 4, 5, 31, 32, 33, 63, 64, 67, 128, 129, 200, 256, 259}) {
        all.push_back({m, n, k});
      }
    }
  }
  return all;
}

/// A kernel without tiles of its own takes the scalar ones.
void falls_back() {
  kernels::KernelSet set = requant_kernels_scalar;
  set.int4 = nullptr;
  check(&gemm::int4_kernel(set) == requant_kernels_scalar.int4);
}

void refuses() {
  const kernels::KernelSet& set = requant_kernels_scalar;
  const std::vector<uint8_t> w(2 * 20, 0x17);
  std::vector<float> scale(2 * 2, 0.5F);
  const auto code = [&](const gemm::Int4Source& source) {
    return gemm::PackedInt4::make(set, source, Int4Activations::codes).status.code();
  };
  check(code({w, 2, 40, 32, scale}) == Code::ok, "legal");
  check(code({w, 2, 40, 16, scale}) == Code::argument, "group size");
  check(code({w, 2, 0, 32, scale}) == Code::shape, "no columns");
  check(code({w, 3, 40, 32, scale}) == Code::shape, "bytes");
  check(code({w, size_t{1} << 61, 40, 32, scale}) == Code::shape, "a product that wraps");
  check(code({w, 2, 40, 32, std::span(scale).first(3)}) == Code::shape, "scales");
  check(code({w, 2, 39, 32, scale}) == Code::argument, "the nibble behind an odd row");
  for (const float bad : {0.0F, -1.0F, 0x1p-101F, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    scale[3] = bad;
    check(code({w, 2, 40, 32, scale}) == Code::argument, "scale");
  }
  scale[3] = 1;
  for (const uint8_t bad : {0x08, 0x80}) {
    std::vector<uint8_t> minus_eight = w;
    minus_eight[39] = bad;
    check(code({minus_eight, 2, 40, 32, scale}) == Code::argument, "-8");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = test::has_argument(argc, argv, "--quick");
  for (const dispatch::Kernel* kernel : test::kernels_here()) std::printf("kernel %s\n", kernel->name);
  test::run_case("int4: sizes and values that are refused", refuses);
  test::run_case("int4: a kernel without its own", falls_back);
  test::run_case("int4: edges of tiles, panels and groups",
                 [&] { run_shapes(int4_shapes(), quick ? 1 : 4); });
  test::run_case("int4: long k", [] { run_shapes({{7, 20, 4099}, {1, 66, 8192}, {2, 3, 32767}}, 3); });
  return test::finish();
}
