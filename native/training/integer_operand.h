// int8 matrices as the kernels' packed operands, made anew in every step of training with integers. All
// panels are full: columns are padded with zeros to groups of kColumnPad, so that a group is one place in
// memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "base/matrix_view.h"
#include "kernels/kernel.h"

namespace requant::training {

/// Columns in a group, and values of k that are packed at a time at most.
inline constexpr size_t kBlock = kernels::kColumnPad;

constexpr size_t blocks_of(size_t count) noexcept { return (count + kBlock - 1) / kBlock; }
constexpr size_t padded(size_t count) noexcept { return blocks_of(count) * kBlock; }

/// w[column, k] for `columns` padded columns and k below a number that may change up to `most_k`.
class IntegerOperand {
 public:
  [[nodiscard]] bool allocate(const kernels::WeightLayout& layout, size_t columns, size_t most_k) noexcept;

  /// Whether sums have to be written before the operand is used.
  bool has_head() const noexcept { return layout_->head != 0; }
  void set_k(size_t k) noexcept { k_ = k; }
  size_t k() const noexcept { return k_; }
  const int8_t* group(size_t index) const noexcept { return data_.data() + index * group_bytes(); }

  /// Columns of group `index` for k in [first_k, first_k + rows.rows): rows.at(i, c) ^ flip is
  /// w[c, first_k + i], and 64 columns are readable. first_k is a multiple of kBlock, and whole blocks come
  /// but at the end, which is padded with zeros.
  void pack_rows(size_t index, size_t first_k, MatrixView<const uint8_t> rows, uint8_t flip) noexcept;
  /// As much of k, at most kBlock, where w[c, first_k + i] = columns.at(c, i), kBlock rows of it, zeros
  /// behind the last of k.
  void pack_columns(size_t index, size_t first_k, size_t count, MatrixView<const int8_t> columns) noexcept;
  /// 128·Σk w of the group's columns, where the kernel wants it.
  void write_head(size_t index, const int32_t* sums) noexcept;

 private:
  size_t group_bytes() const noexcept { return kBlock * layout_->depth(k_); }
  /// Where column c of a group has its value k; whole k groups.
  int8_t* place(size_t index, size_t c, size_t k) noexcept;

  const kernels::PanelLayout* layout_ = nullptr;
  size_t k_ = 0;
  AlignedBuffer<int8_t> data_;
};

/// sums[c] += Σ over rows of (value ^ flip) as int8, for kBlock columns; up to kBlock rows.
void add_column_sums(MatrixView<const uint8_t> rows, uint8_t flip, int32_t* sums) noexcept;

/// to[c][r] = from[r][c] for 64 × 64 bytes.
void transpose_block(const uint8_t* from, size_t from_stride, uint8_t* to, size_t to_stride) noexcept;

}  // namespace requant::training
