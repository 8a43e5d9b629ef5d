#include "plan/int4_stages.h"

#include <algorithm>
#include <string>

#include "arith/quantize.h"
#include "gemm/int4.h"
#include "plan/grid.h"

namespace requant::plan {
namespace {

using WeightsPtr = std::shared_ptr<const gemm::PackedInt4>;
using Bias = AlignedBuffer<float>;  // empty, or padded to kColumnPad

class Int4Linear : public Stage {
 public:
  Int4Linear(const Int4LinearSpec& spec, WeightsPtr weights, Bias bias)
      : Stage({spec.input}, spec.output), weights_(std::move(weights)), bias_(std::move(bias)) {}

  size_t bytes() const noexcept override { return weights_->bytes() + bias_.bytes(); }
  Product product() const noexcept override { return {weights_->cost(), weights_->panels()}; }

 protected:
  const gemm::PackedInt4& packed() const noexcept { return *weights_; }
  const float* bias() const noexcept { return bias_.size() == 0 ? nullptr : bias_.data(); }
  float* out(const Block& block) const noexcept { return reinterpret_cast<float*>(block.data[output()]); }

 private:
  WeightsPtr weights_;
  Bias bias_;
};

/// Activations are quantized row by row with their own scale and zero point:
///   acc_g = Σ (x − z[m])·w,   a = fma(fl(acc_g), s[n, g], a),   y = fl(fl(a·s[m]) + b[n])
class Int4Dynamic final : public Int4Linear {
 public:
  using Int4Linear::Int4Linear;

  void run(const Block& block) const noexcept override {
    const Scratch scratch = divide(block.scratch, block.rows);
    const auto x = block.view<const float>(input());
    const MatrixView<uint8_t> codes{scratch.codes, x.rows, x.cols, stride()};
    bool nan = false;
    for (size_t r = 0; r < x.rows; ++r) {
      arith::DynamicParams params;
      nan |= quantize_dynamic_row(block, x, r, params, codes.row(r));
      scratch.scale[r] = params.scale;
      scratch.minus_zero_point[r] = -params.zero_point & 0xFFFF;
    }
    if (nan) record_nan(block, x, input());
    const MatrixView<const uint8_t> rows{codes.data, codes.rows, codes.cols, codes.stride};
    gemm::int4_group_sums(rows, packed().group_size(), scratch.group_sums);
    gemm::int4_product(block.crew, packed(),
                       {rows, scratch.group_sums, scratch.scale, scratch.minus_zero_point}, bias(),
                       out(block));
  }

  size_t scratch_bytes(size_t rows) const noexcept override {
    return rows * ((2 + packed().groups()) * sizeof(int32_t) + stride());
  }

 private:
  struct Scratch {
    float* scale;
    int32_t* minus_zero_point;
    int32_t* group_sums;
    uint8_t* codes;
  };

  Scratch divide(std::byte* memory, size_t rows) const noexcept {
    auto* words = reinterpret_cast<int32_t*>(memory);
    return {reinterpret_cast<float*>(memory), words + rows, words + 2 * rows,
            reinterpret_cast<uint8_t*>(words + (2 + packed().groups()) * rows)};
  }
  /// Rows of codes begin where the kernels may read beyond the one before.
  size_t stride() const noexcept { return round_up(packed().in_features(), kernels::Int4Layout::kStep); }
};

/// y = fl(a + b[n]) with a = fma(t_g, s[n, g], a), t_g the chain over a group's float32 activations.
class Int4Float final : public Int4Linear {
 public:
  using Int4Linear::Int4Linear;

  void run(const Block& block) const noexcept override {
    gemm::int4_product(block.crew, packed(), block.view<const float>(input()), bias(), out(block));
  }
};

}  // namespace

Result<std::unique_ptr<Stage>> make_int4_linear(const kernels::KernelSet& kernel,
                                                const Int4LinearSpec& spec) {
  const size_t columns = spec.weight.out_features;
  if (!spec.bias.empty() && spec.bias.size() != columns) {
    return Status(Code::shape, "expected bias of length " + std::to_string(columns) + " but received " +
                                   std::to_string(spec.bias.size()));
  }
  auto weights = gemm::PackedInt4::make(kernel, spec.weight, spec.activations);
  if (!weights.ok()) return weights.status;
  Bias bias;
  if (!spec.bias.empty()) {
    if (!bias.allocate(round_up(columns, kernels::kColumnPad))) return out_of_memory(columns * sizeof(float));
    std::copy(spec.bias.begin(), spec.bias.end(), bias.data());
  }
  if (spec.activations == gemm::Int4Activations::codes)
    return std::unique_ptr<Stage>(new Int4Dynamic(spec, std::move(weights.value), std::move(bias)));
  return std::unique_ptr<Stage>(new Int4Float(spec, std::move(weights.value), std::move(bias)));
}

}  // namespace requant::plan
