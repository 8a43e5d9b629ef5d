// The float32 product over packed weights, float32 or int8 (weight-only).
#pragma once

#include <variant>

#include "base/shared_buffer.h"
#include "base/status.h"
#include "gemm/panels.h"
#include "kernels/kernel.h"

namespace requant::gemm {

/// Weights packed for the float kernel; `data` is float or int8_t.
struct PackedFloatWeights {
  std::variant<SharedBuffer<float>, SharedBuffer<int8_t>> data;
  size_t out_features = 0;
  size_t in_features = 0;

  size_t bytes() const noexcept {
    return std::visit([](const auto& buffer) { return buffer.bytes(); }, data);
  }
  void share() {
    std::visit([](auto& buffer) { buffer.share(); }, data);
  }
};

/// w[n, k] = source[n · n_stride + k · k_stride]. T is float or int8_t.
template <class T>
Result<PackedFloatWeights> pack_float_weights(const kernels::SGemmKernel& kernel, const T* source,
                                              size_t n_stride, size_t k_stride, size_t out_features,
                                              size_t in_features);

/// a[m, k] = data[m · row_stride + k · k_stride]: a transposed operand needs no copy.
struct FloatOperand {
  const float* data;
  size_t rows;
  size_t row_stride;
  size_t k_stride = 1;
};

/// out[m, n] = fl(fl(chain · scale[n]) + bias[n]), chain = fma over k ascending from 0; scale and bias may be
/// null and are padded to kColumnPad.
void sgemm(const kernels::SGemmKernel& kernel, const FloatOperand& a, const PackedFloatWeights& weights,
           const float* scale, const float* bias, float* out, size_t out_stride) noexcept;
/// The columns of some panels only.
void sgemm(const kernels::SGemmKernel& kernel, const FloatOperand& a, const PackedFloatWeights& weights,
           const float* scale, const float* bias, float* out, size_t out_stride, Panels panels) noexcept;

}  // namespace requant::gemm
