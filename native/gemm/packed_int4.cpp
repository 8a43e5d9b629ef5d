#include "gemm/packed_int4.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "arith/quantize.h"

namespace requant::gemm {

using kernels::Int4Layout;

namespace {

std::string size_text(size_t rows, size_t columns) {
  return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

Status check_sizes(const Int4Source& s) {
  if (s.group_size != 32 && s.group_size != 64 && s.group_size != 128) {
    return {Code::argument, "expected groups of 32, 64 or 128 but received " + std::to_string(s.group_size)};
  }
  if (s.out_features == 0 || s.in_features == 0) {
    return {Code::shape, "expected int4 weights of at least one row and column"};
  }
  if (s.data.size() / s.row_bytes() != s.out_features || s.data.size() % s.row_bytes() != 0) {
    return {Code::shape, "expected int4 weights of " + size_text(s.out_features, s.row_bytes()) +
                             " bytes but received " + std::to_string(s.data.size())};
  }
  if (s.scale.size() / s.groups() != s.out_features || s.scale.size() % s.groups() != 0) {
    return {Code::shape, "expected int4 scales of shape " + size_text(s.out_features, s.groups()) +
                             " but received " + std::to_string(s.scale.size())};
  }
  return {};
}

Status check_values(const Int4Source& s) {
  for (const float scale : s.scale) {
    if (!arith::valid_scale(scale))
      return {Code::argument,
              "expected int4 scales in [2^-100, 2^126] but received " + std::to_string(scale)};
  }
  for (size_t i = 0; i < s.data.size(); ++i) {
    if ((s.data[i] & 0x0F) != 0x08 && (s.data[i] & 0xF0) != 0x80) continue;
    return {Code::argument, "expected int4 weights in [-7, 7] but received -8 in byte " + std::to_string(i)};
  }
  for (size_t n = 0; n < s.out_features && s.in_features % 2 != 0; ++n) {
    if (s.at(n, s.in_features) == 0) continue;
    return {Code::argument, "expected the nibble behind an odd row to be 0 in row " + std::to_string(n)};
  }
  return {};
}

/// Steps of the group that begins with `k`.
size_t steps_of(size_t k, size_t group_size, size_t in_features) {
  return round_up(std::min(group_size, in_features - k), Int4Layout::kStep) / Int4Layout::kStep;
}

}  // namespace

const kernels::Int4Kernel& int4_kernel(const kernels::KernelSet& set) noexcept {
  return set.int4 != nullptr ? *set.int4 : *requant_kernels_scalar.int4;
}

Result<std::shared_ptr<const PackedInt4>> PackedInt4::make(const kernels::KernelSet& set,
                                                           const Int4Source& source,
                                                           Int4Activations activations) {
  if (Status s = check_sizes(source); !s.ok()) return s;
  if (Status s = check_values(source); !s.ok()) return s;
  auto weights = std::make_shared<PackedInt4>();
  weights->kernel_ = &int4_kernel(set);
  weights->activations_ = activations;
  weights->out_features_ = source.out_features;
  weights->in_features_ = source.in_features;
  weights->group_size_ = source.group_size;
  weights->short_scales_ = std::all_of(source.scale.begin(), source.scale.end(), [](float scale) {
    return (std::bit_cast<uint32_t>(scale) & 0xFFFF) == 0;
  });
  size_t steps = 0;
  for (size_t k = 0; k < source.in_features; k += source.group_size)
    steps += steps_of(k, source.group_size, source.in_features);
  // A step's byte holds two columns.
  weights->pair_bytes_ = steps * Int4Layout::kStep + 2 * source.groups() * weights->word_bytes();
  const size_t columns = round_up(source.out_features, weights->kernel_->layout.vector_columns());
  const size_t bytes = columns / 2 * weights->pair_bytes_;
  AlignedBuffer<std::byte> packed;
  if (!packed.allocate(bytes)) return out_of_memory(bytes);
  weights->pack(source, packed.data());
  weights->packed_ = SharedBuffer<std::byte>(std::move(packed));
  weights->packed_.share();
  return std::shared_ptr<const PackedInt4>(std::move(weights));
}

void PackedInt4::pack(const Int4Source& source, std::byte* packed) const {
  const Int4Layout& layout = kernel_->layout;
  for (size_t column = 0; column < out_features_; column += layout.columns()) {
    const size_t width =
        std::min(layout.columns(), round_up(out_features_ - column, layout.vector_columns()));
    std::byte* out = packed + column / 2 * pair_bytes_;
    for (size_t group = 0; group < groups(); ++group) {
      std::byte* const words =
          out + width / 2 * Int4Layout::kStep * steps_of(group * group_size_, group_size_, in_features_);
      for (size_t c = 0; c < width && column + c < out_features_; ++c) {
        const int32_t sum = pack_weights(source, column + c, group, c, width, out);
        pack_words(source, column + c, group, c, width, sum, words);
      }
      out = words + width * word_bytes();
    }
  }
}

/// One group of one column, number `c` of its panel's `width`; returns Σw.
int32_t PackedInt4::pack_weights(const Int4Source& source, size_t column, size_t group, size_t c,
                                 size_t width, std::byte* out) const {
  const Int4Layout& layout = kernel_->layout;
  const size_t first = group * group_size_;
  const size_t count = std::min(group_size_, in_features_ - first);
  const size_t lane = c / layout.vector_columns() * layout.lanes + c % layout.lanes;
  int32_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const int32_t w = source.at(column, first + i);
    const size_t step = i / Int4Layout::kStep;
    std::byte& byte = out[(step * width / 2 + lane) * Int4Layout::kStep + i % Int4Layout::kStep];
    byte |= static_cast<std::byte>(is_high(c) ? (w & 0x0F) << 4 : w + Int4Layout::kOffset);
    sum += w;
  }
  return sum;
}

void PackedInt4::pack_words(const Int4Source& source, size_t column, size_t group, size_t c, size_t width,
                            int32_t sum, std::byte* words) const {
  const float scale = source.scale[column * groups() + group] / static_cast<float>(unit(c));
  const auto scale_bits = std::bit_cast<uint32_t>(scale);
  const auto sum_bits = static_cast<uint32_t>(sum * unit(c)) & 0xFFFFU;
  const uint32_t first = short_scales_ ? scale_bits | sum_bits : sum_bits;
  std::memcpy(words + 4 * c, &first, sizeof(first));
  if (!short_scales_) std::memcpy(words + 4 * (width + c), &scale_bits, sizeof(scale_bits));
}

size_t PackedInt4::panels() const noexcept {
  return (out_features_ + kernel_->layout.columns() - 1) / kernel_->layout.columns();
}

/// Measured: what comes on top of an int8 or float32 product for decoding and for the ends of groups, and how
/// long one row takes.
Cost PackedInt4::cost() const noexcept {
  const bool codes = activations_ == Int4Activations::codes;
  const kernels::PanelLayout layout{kernel_->layout.lanes, kernel_->layout.vectors, codes ? size_t{4} : 1};
  const double row = product_cost(layout, in_features_, out_features_).per_row;
  return codes ? Cost{1.2 * row, 1.2 * row} : Cost{1.5 * row, row};
}

}  // namespace requant::gemm
