#include "gemm/column_params.h"

#include <algorithm>
#include <cstdlib>

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

/// Whether the code is clamp(zy + rne(acc·M), lo, hi), M a float32 and the rounding done once by
/// fma(fl(acc), M, 1.5·2^23), for every |acc| ≤ acc_max (docs/numerics.md, requantize):
/// - |acc·M| < 2^23, where the float32 still tells the saturated from the others;
/// - fl(acc) = acc, or |acc| ≥ 2^24 and |acc·M| ≥ 512 saturates anyway;
/// - M has a float32's bits, and half-up has no tie (half-even has none to fear). gemmlowp rounds twice.
/// Rounding::float32 computes fl(fl(acc)·M) and needs the first only.
bool is_by_magic(Rounding rounding, int32_t m, double scale, int64_t acc_max) noexcept {
  constexpr double kFloatIntegers = 0x1p24;
  const auto a = static_cast<double>(acc_max);
  if (!(a * scale < 0x1p23)) return false;
  if (rounding == Rounding::float32) return true;
  if (rounding == Rounding::gemmlowp || (m & 0x7F) != 0) return false;
  if (a > kFloatIntegers && scale * kFloatIntegers < 512) return m == 0;
  return rounding == Rounding::half_even || arith::half_even_equals_half_up(m);
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

Status ColumnParams::find_columns_by_magic(const PackedWeights& weights, std::span<const int32_t> bias,
                                           int64_t x_lo, int64_t x_hi) {
  const size_t columns = weights.out_features();
  const bool fixed_point = epilogue_.rounding != Rounding::float32;
  if (!by_magic_.allocate(round_up(columns, kColumnPad) / kColumnPad)) return out_of_memory(columns);
  if (fixed_point) {
    if (!scale_.allocate(round_up(columns, kColumnPad))) return out_of_memory(columns * 4);
    for (size_t c = 0; c < columns; ++c) scale_[c] = arith::multiplier_as_float(multiplier_[c], shift_[c]);
    epilogue_.scale = scale_.data();
  }
  std::fill(by_magic_.data(), by_magic_.data() + by_magic_.size(), uint8_t{1});
  for (size_t c = 0; c < columns; ++c) {
    const auto [lo, hi] = weights.bound(c, bias, x_lo, x_hi);
    const int32_t m = fixed_point ? multiplier_[c] : 0;
    if (!is_by_magic(epilogue_.rounding, m, scale_[c], std::max(std::abs(lo), std::abs(hi))))
      by_magic_[c / kColumnPad] = 0;
  }
  epilogue_.by_magic = by_magic_.data();
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
         float_bias_.bytes() + by_magic_.bytes();
}

}  // namespace requant::gemm
