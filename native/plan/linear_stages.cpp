#include "plan/linear_stages.h"

#include <string>

#include "gemm/crew.h"
#include "plan/grid.h"

namespace requant::plan {
namespace {

using gemm::PackedWeights;
using WeightsPtr = std::shared_ptr<const PackedWeights>;

Product product_of(const kernels::PanelLayout& layout, size_t k, size_t columns) noexcept {
  return {gemm::product_cost(layout, k, columns), gemm::panel_count(layout, columns)};
}

Product product_of(const PackedWeights& weights) noexcept {
  const kernels::WeightLayout& layout = weights.layout();
  const size_t columns = weights.out_features();
  const gemm::Cost dense = gemm::product_cost(layout.wide, weights.in_features(), columns);
  return {{weights.work() * dense.floor, weights.work() * dense.per_row}, gemm::group_count(columns)};
}

class StaticLinear final : public Stage {
 public:
  StaticLinear(const StaticLinearSpec& spec, WeightsPtr weights, gemm::ColumnParams params)
      : Stage({spec.input}, spec.output), weights_(std::move(weights)), params_(std::move(params)) {}

  void run(const Block& block) const noexcept override {
    const auto x = block.view<const uint8_t>(input());
    kernels::Epilogue epilogue = params_.epilogue();
    if (weights_->minus_zero_point() != nullptr) {
      auto* sums = reinterpret_cast<int32_t*>(block.scratch);
      gemm::row_sums(x, sums);
      epilogue.corrections[0] = {sums, weights_->minus_zero_point()};
    }
    gemm::qgemm(block.crew, *block.kernel.qgemm, x, *weights_, epilogue, block.data[output()],
                weights_->out_features());
  }

  size_t scratch_bytes(size_t rows) const noexcept override {
    return weights_->minus_zero_point() != nullptr ? rows * sizeof(int32_t) : 0;
  }
  size_t bytes() const noexcept override { return weights_->bytes() + params_.bytes(); }
  Product product() const noexcept override { return product_of(*weights_); }
  const PackedWeights* weights() const noexcept override { return weights_.get(); }

 private:
  WeightsPtr weights_;
  gemm::ColumnParams params_;
};

/// Activations are quantized row by row with their own scale and zero point:
///   acc = Σ x·w − z[m]·Σ w,   y = fl(fl(fl(acc) · fl(s[m]·sw[n])) + b[n])
class DynamicLinear final : public Stage {
 public:
  DynamicLinear(const DynamicLinearSpec& spec, WeightsPtr weights, gemm::ColumnParams params)
      : Stage({spec.input}, spec.output), weights_(std::move(weights)), params_(std::move(params)) {}

  void run(const Block& block) const noexcept override {
    const Scratch scratch = divide(block.scratch, block.rows);
    const auto x = block.view<const float>(input());
    bool nan = false;
    for (size_t r = 0; r < x.rows; ++r) nan |= quantize_row(block, x, r, scratch);
    if (nan) record_nan(block, x, input());

    const MatrixView<const uint8_t> codes{scratch.codes, x.rows, x.cols, x.cols};
    kernels::Epilogue epilogue = params_.epilogue();
    epilogue.row_scale = scratch.scale;
    epilogue.corrections[0] = {scratch.minus_zero_point, params_.weight_sums()};
    if (weights_->minus_zero_point() != nullptr) {
      gemm::row_sums(codes, scratch.row_sums);
      epilogue.corrections[1] = {scratch.row_sums, weights_->minus_zero_point()};
    }
    gemm::qgemm(block.crew, *block.kernel.qgemm, codes, *weights_, epilogue, block.data[output()],
                weights_->out_features());
  }

  size_t scratch_bytes(size_t rows) const noexcept override {
    return rows * (3 * sizeof(int32_t) + weights_->in_features());
  }
  size_t bytes() const noexcept override { return weights_->bytes() + params_.bytes(); }
  Product product() const noexcept override { return product_of(*weights_); }
  const PackedWeights* weights() const noexcept override { return weights_.get(); }

 private:
  struct Scratch {
    float* scale;
    int32_t* minus_zero_point;
    int32_t* row_sums;
    uint8_t* codes;
  };

  static Scratch divide(std::byte* memory, size_t rows) noexcept {
    return {reinterpret_cast<float*>(memory), reinterpret_cast<int32_t*>(memory) + rows,
            reinterpret_cast<int32_t*>(memory) + 2 * rows, reinterpret_cast<uint8_t*>(memory) + 12 * rows};
  }

  /// True when the row holds a NaN.
  bool quantize_row(const Block& block, MatrixView<const float> x, size_t r,
                    const Scratch& s) const noexcept {
    arith::DynamicParams params;
    const bool nan = quantize_dynamic_row(block, x, r, params, s.codes + r * x.cols);
    s.scale[r] = params.scale;
    s.minus_zero_point[r] = -params.zero_point;
    return nan;
  }

  WeightsPtr weights_;
  gemm::ColumnParams params_;
};

class FloatLinear final : public Stage {
 public:
  FloatLinear(const FloatLinearSpec& spec, const kernels::PanelLayout& layout,
              gemm::PackedFloatWeights weights, gemm::ColumnParams params)
      : Stage({spec.input}, spec.output),
        layout_(layout),
        weights_(std::move(weights)),
        params_(std::move(params)) {}

  void run(const Block& block) const noexcept override {
    const auto x = block.view<const float>(input());
    const kernels::Epilogue& e = params_.epilogue();
    gemm::sgemm(block.crew, *block.kernel.sgemm, {x.data, x.rows, x.stride}, weights_, e.scale, e.float_bias,
                reinterpret_cast<float*>(block.data[output()]), weights_.out_features);
  }

  size_t bytes() const noexcept override { return weights_.bytes() + params_.bytes(); }
  Product product() const noexcept override {
    return product_of(layout_, weights_.in_features, weights_.out_features);
  }

 private:
  const kernels::PanelLayout& layout_;
  gemm::PackedFloatWeights weights_;
  gemm::ColumnParams params_;
};

Status check_columns(const char* what, size_t length, size_t columns, bool may_be_one, bool may_be_empty) {
  if (length == columns || (may_be_one && length == 1) || (may_be_empty && length == 0)) return {};
  return {Code::shape, std::string("expected ") + what + " of length " + std::to_string(columns) +
                           " but received " + std::to_string(length)};
}

}  // namespace

Result<std::unique_ptr<Stage>> make_static_linear(const kernels::KernelSet& kernel,
                                                  const StaticLinearSpec& spec) {
  const size_t columns = spec.weight.out_features;
  if (Status s = check_columns("bias", spec.bias.size(), columns, false, true); !s.ok()) return s;
  if (!spec.requantize) {
    if (Status s = check_columns("scale", spec.scale.size(), columns, true, false); !s.ok()) return s;
  }
  auto weights = PackedWeights::make(*kernel.qgemm, spec.weight);
  if (!weights.ok()) return weights.status;
  const int64_t x_lo = -spec.x_zero_point;
  const int64_t x_hi = 255 - spec.x_zero_point;
  if (Status s = weights.value->check_bound(spec.bias, x_lo, x_hi); !s.ok()) return s;
  gemm::ColumnParams params;
  if (Status s = params.fold_bias(*weights.value, spec.bias, spec.x_zero_point); !s.ok()) return s;
  if (spec.requantize) {
    if (Status s = params.set_requantize(*spec.requantize, columns); !s.ok()) return s;
    if (Status s = params.find_columns_by_magic(*weights.value, spec.bias, x_lo, x_hi); !s.ok()) return s;
  } else {
    params.epilogue().output = kernels::Output::dequantize;
    if (Status s = params.set_scale(spec.scale, columns); !s.ok()) return s;
  }
  return std::unique_ptr<Stage>(new StaticLinear(spec, std::move(weights.value), std::move(params)));
}

Result<std::unique_ptr<Stage>> make_dynamic_linear(const kernels::KernelSet& kernel,
                                                   const DynamicLinearSpec& spec) {
  const size_t columns = spec.weight.out_features;
  if (Status s = check_columns("scale", spec.scale.size(), columns, true, false); !s.ok()) return s;
  if (Status s = check_columns("bias", spec.bias.size(), columns, false, true); !s.ok()) return s;
  auto weights = PackedWeights::make(*kernel.qgemm, spec.weight);
  if (!weights.ok()) return weights.status;
  // The zero point of a row may be anything in 0…255.
  if (Status s = weights.value->check_bound({}, -255, 255); !s.ok()) return s;
  gemm::ColumnParams params;
  params.epilogue().output = kernels::Output::dynamic;
  if (Status s = params.use_row_zero_points(*weights.value); !s.ok()) return s;
  if (Status s = params.set_scale(spec.scale, columns); !s.ok()) return s;
  if (!spec.bias.empty()) {
    if (Status s = params.set_float_bias(spec.bias, columns); !s.ok()) return s;
  }
  return std::unique_ptr<Stage>(new DynamicLinear(spec, std::move(weights.value), std::move(params)));
}

Result<std::unique_ptr<Stage>> make_float_linear(const kernels::KernelSet& kernel,
                                                 const FloatLinearSpec& spec) {
  const size_t columns = spec.out_features;
  const size_t k = spec.in_features;
  const bool is_int8 = spec.int8_weight != nullptr;
  if (Status s = check_columns("scale", spec.scale.size(), columns, true, !is_int8); !s.ok()) return s;
  if (Status s = check_columns("bias", spec.bias.size(), columns, false, true); !s.ok()) return s;
  auto weights = is_int8 ? gemm::pack_float_weights(*kernel.sgemm, spec.int8_weight, k, 1, columns, k)
                         : gemm::pack_float_weights(*kernel.sgemm, spec.weight, k, 1, columns, k);
  if (!weights.ok()) return weights.status;
  weights.value.share();
  gemm::ColumnParams params;
  if (!spec.scale.empty()) {
    if (Status s = params.set_scale(spec.scale, columns); !s.ok()) return s;
  }
  if (!spec.bias.empty()) {
    if (Status s = params.set_float_bias(spec.bias, columns); !s.ok()) return s;
  }
  return std::unique_ptr<Stage>(
      new FloatLinear(spec, kernel.sgemm->layout, std::move(weights.value), std::move(params)));
}

}  // namespace requant::plan
