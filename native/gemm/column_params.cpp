#include "gemm/column_params.h"

#include <algorithm>

#include "arith/requantize.h"

namespace requant::gemm {
namespace {

using kernels::kColumnPad;
using kernels::Rounding;

/// Copies one value a column, or one value for all of them. Padding stays 0.
template <class T>
Status spread(std::span<const T> values, size_t columns, AlignedBuffer<T>& out) {
  if (!out.allocate(round_up(columns, kColumnPad))) return out_of_memory(columns * sizeof(T));
  for (size_t c = 0; c < columns; ++c) out[c] = values[values.size() == 1 ? 0 : c];
  return {};
}

}  // namespace

Status ColumnParams::fold_bias(const PackedWeights& weights, std::span<const int32_t> bias,
                               int32_t x_zero_point) {
  const size_t columns = weights.out_features();
  if (!bias_.allocate(round_up(columns, kColumnPad))) return out_of_memory(columns * 4);
  for (size_t c = 0; c < columns; ++c) {
    const auto folded = static_cast<uint64_t>(x_zero_point) * static_cast<uint64_t>(weights.sum(c));
    const auto b = bias.empty() ? uint64_t{0} : static_cast<uint64_t>(bias[c]);
    bias_[c] = static_cast<int32_t>(static_cast<uint32_t>(b - folded));
  }
  epilogue_.bias = bias_.data();
  return {};
}

Status ColumnParams::use_row_zero_points(const PackedWeights& weights) {
  const size_t columns = weights.out_features();
  if (!weight_sums_.allocate(round_up(columns, kColumnPad))) return out_of_memory(columns * 4);
  for (size_t c = 0; c < columns; ++c) {
    weight_sums_[c] = static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint64_t>(weights.sum(c))));
  }
  return {};
}

Status ColumnParams::set_requantize(const RequantizeSpec& spec, size_t columns) {
  epilogue_.output = kernels::Output::code;
  epilogue_.rounding = spec.rounding;
  epilogue_.zero_point = spec.zero_point;
  epilogue_.lo = spec.lo;
  epilogue_.hi = spec.hi;

  if (spec.rounding == Rounding::float32) {
    if (spec.by_scale()) return set_scale(spec.scale, columns);
    if (!scale_.allocate(round_up(columns, kColumnPad))) return out_of_memory(columns * 4);
    for (size_t c = 0; c < columns; ++c) {
      const size_t i = spec.multiplier.size() == 1 ? 0 : c;
      scale_[c] = arith::multiplier_as_float(spec.multiplier[i], spec.shift[spec.shift.size() == 1 ? 0 : c]);
    }
    epilogue_.scale = scale_.data();
    return {};
  }

  if (Status s = spread(spec.multiplier, columns, multiplier_); !s.ok()) return s;
  if (Status s = spread(spec.shift, columns, shift_); !s.ok()) return s;
  // Padding columns need a legal shift too.
  std::fill(shift_.data() + columns, shift_.data() + shift_.size(), arith::kMaxShift);
  epilogue_.multiplier = multiplier_.data();
  epilogue_.shift = shift_.data();
  const std::span<const int32_t> shifts(shift_.data(), columns);
  epilogue_.pre_shift = std::any_of(shifts.begin(), shifts.end(), [](int32_t s) { return s < 33; });
  if (spec.rounding == Rounding::half_even &&
      std::all_of(spec.multiplier.begin(), spec.multiplier.end(), arith::half_even_equals_half_up)) {
    epilogue_.rounding = Rounding::half_up;  // no multiplier can tie: the cheaper formula gives the same bits
  }
  return {};
}

Status ColumnParams::set_scale(std::span<const float> scale, size_t columns) {
  if (Status s = spread(scale, columns, scale_); !s.ok()) return s;
  epilogue_.scale = scale_.data();
  return {};
}

Status ColumnParams::set_float_bias(std::span<const float> bias, size_t columns) {
  if (Status s = spread(bias, columns, float_bias_); !s.ok()) return s;
  epilogue_.float_bias = float_bias_.data();
  return {};
}

size_t ColumnParams::bytes() const noexcept {
  return bias_.bytes() + multiplier_.bytes() + shift_.bytes() + weight_sums_.bytes() + scale_.bytes() +
         float_bias_.bytes();
}

}  // namespace requant::gemm
