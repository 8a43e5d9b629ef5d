// int4 weights of one layer in the order a kernel reads them.
#pragma once

#include <memory>
#include <span>

#include "base/aligned_buffer.h"
#include "base/shared_buffer.h"
#include "base/status.h"
#include "gemm/cost.h"
#include "kernels/kernel.h"

namespace requant::gemm {

/// What the weights are multiplied with. Both kinds take the same bits in.
enum class Int4Activations : uint8_t { codes, float32 };

/// w[n, k] in −7…7: byte k/2 of row n holds two, the low nibble the even k, both in two's complement. The
/// last high nibble of an odd k is 0.
struct Int4Source {
  std::span<const uint8_t> data;  // [out, ceil(in / 2)]
  size_t out_features = 0;
  size_t in_features = 0;
  size_t group_size = 32;        // 32, 64 or 128 values of k; the last group may be short
  std::span<const float> scale;  // [out, groups]

  size_t groups() const noexcept { return (in_features + group_size - 1) / group_size; }
  size_t row_bytes() const noexcept { return (in_features + 1) / 2; }
  /// k may be in_features where that is odd: the nibble that pads the row.
  int32_t at(size_t n, size_t k) const noexcept {
    const uint8_t byte = data[n * row_bytes() + k / 2];
    return static_cast<int8_t>(k % 2 == 0 ? byte << 4 : byte & 0xF0) / 16;
  }
};

/// The kernel set's own tiles, or the scalar kernel's.
const kernels::Int4Kernel& int4_kernel(const kernels::KernelSet& set) noexcept;

/// Immutable once made.
class PackedInt4 {
 public:
  /// Errors: sizes, scales and nibbles that Int4Source does not allow; memory.
  static Result<std::shared_ptr<const PackedInt4>> make(const kernels::KernelSet& set,
                                                        const Int4Source& source,
                                                        Int4Activations activations);

  const kernels::Int4Kernel& kernel() const noexcept { return *kernel_; }
  size_t out_features() const noexcept { return out_features_; }
  size_t in_features() const noexcept { return in_features_; }
  size_t group_size() const noexcept { return group_size_; }
  size_t groups() const noexcept { return (in_features_ + group_size_ - 1) / group_size_; }
  /// Every scale has a zero lower half.
  bool short_scales() const noexcept { return short_scales_; }
  size_t panels() const noexcept;
  size_t bytes() const noexcept { return packed_.bytes(); }
  Cost cost() const noexcept;

  /// What a kernel reads of the panel that begins with `column`.
  const std::byte* panel(size_t column) const noexcept { return packed_.data() + column / 2 * pair_bytes_; }

 private:
  void pack(const Int4Source& source, std::byte* packed) const;
  /// Of a column's words behind a group.
  size_t word_bytes() const noexcept { return short_scales_ ? 4 : 8; }
  int32_t pack_weights(const Int4Source& source, size_t column, size_t group, size_t c, size_t width,
                       std::byte* out) const;
  void pack_words(const Int4Source& source, size_t column, size_t group, size_t c, size_t width, int32_t sum,
                  std::byte* words) const;
  /// Whether column `c` of a panel lies in high nibbles.
  bool is_high(size_t c) const noexcept {
    return c % kernel_->layout.vector_columns() >= kernel_->layout.lanes;
  }
  /// What the integer sums of column `c` of a panel count in.
  int32_t unit(size_t c) const noexcept {
    return activations_ == Int4Activations::codes && is_high(c) ? kernels::Int4Layout::kHighUnit : 1;
  }

  const kernels::Int4Kernel* kernel_ = nullptr;
  Int4Activations activations_ = Int4Activations::codes;
  size_t out_features_ = 0;
  size_t in_features_ = 0;
  size_t group_size_ = 0;
  bool short_scales_ = false;
  size_t pair_bytes_ = 0;  // of two columns in their panel
  SharedBuffer<std::byte> packed_;
};

}  // namespace requant::gemm
