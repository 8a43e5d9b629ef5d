// The per-column arrays of an epilogue: folded bias, multipliers, scales; owned, padded, ready for any
// kernel.
#pragma once

#include <span>

#include "base/aligned_buffer.h"
#include "base/status.h"
#include "gemm/packed_weights.h"
#include "kernels/kernel.h"

namespace requant::gemm {

/// How int32 becomes a code. Either (multiplier, shift), or for Rounding::float32 alternatively `scale` = M;
/// each of length 1 or one a column.
struct RequantizeSpec {
  kernels::Rounding rounding = kernels::Rounding::half_up;
  std::span<const int32_t> multiplier;
  std::span<const int32_t> shift;
  std::span<const float> scale;
  int32_t zero_point = 0;
  int32_t lo = 0;
  int32_t hi = 0;

  /// M itself is given, not (multiplier, shift).
  bool by_scale() const noexcept { return rounding == kernels::Rounding::float32 && !scale.empty(); }
  size_t length() const noexcept { return by_scale() ? scale.size() : multiplier.size(); }
};

class ColumnParams {
 public:
  /// Bias less zx·Σ(w − zw), modulo 2^32. `bias` is empty or has one value a column; zx is in the u8 domain
  /// of the kernels.
  Status fold_bias(const PackedWeights& weights, std::span<const int32_t> bias, int32_t x_zero_point);
  /// Σ(w − zw) a column as a rank-one correction: for activations whose zero point changes by row.
  Status use_row_zero_points(const PackedWeights& weights);
  Status set_requantize(const RequantizeSpec& spec, size_t columns);
  /// After set_requantize: finds the columns whose codes one fused multiply-add gives, knowing the
  /// accumulators that `weights`, `bias` and x − zx in [x_lo, x_hi] can make. Only for products.
  Status find_columns_by_magic(const PackedWeights& weights, std::span<const int32_t> bias, int64_t x_lo,
                               int64_t x_hi);
  Status set_scale(std::span<const float> scale, size_t columns);
  Status set_float_bias(std::span<const float> bias, size_t columns);

  /// The epilogue over these arrays. Row pointers (corrections, row_scale) are the caller's to fill in a
  /// call.
  const kernels::Epilogue& epilogue() const noexcept { return epilogue_; }
  /// Σ(w − zw), or null without use_row_zero_points.
  const int32_t* weight_sums() const noexcept {
    return weight_sums_.size() == 0 ? nullptr : weight_sums_.data();
  }
  kernels::Epilogue& epilogue() noexcept { return epilogue_; }
  size_t bytes() const noexcept;

 private:
  kernels::Epilogue epilogue_;
  AlignedBuffer<int32_t> bias_, multiplier_, shift_, weight_sums_;
  AlignedBuffer<float> scale_, float_bias_;
  AlignedBuffer<uint8_t> by_magic_;
};

}  // namespace requant::gemm
