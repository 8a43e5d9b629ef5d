// Weights of one layer in the order a kernel reads them, and the sums that zero points and bounds need.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/aligned_buffer.h"
#include "base/matrix_view.h"
#include "base/shared_buffer.h"
#include "base/status.h"
#include "gemm/packed_sparse.h"
#include "gemm/panels.h"
#include "kernels/kernel.h"

namespace requant::gemm {

/// Elements of a packed matrix of `columns` × `k`.
size_t packed_size(const kernels::WeightLayout& layout, size_t columns, size_t k) noexcept;

/// Calls visit(first column, columns, offset into the packed array) for each of these panels, left to right.
template <class Visit>
void for_each_panel(const kernels::PanelLayout& layout, size_t columns, size_t k, size_t first_panel,
                    size_t end_panel, Visit visit) {
  const size_t depth = layout.depth(k);
  const size_t end = end_panel * layout.columns() < columns ? end_panel * layout.columns() : columns;
  for (size_t column = first_panel * layout.columns(); column < end; column += layout.columns()) {
    const size_t width = columns - column < layout.columns() ? columns - column : layout.columns();
    visit(column, width, column * depth);
  }
}

/// Columns are shared out in groups of kColumnPad.
constexpr size_t group_count(size_t columns) noexcept {
  return (columns + kernels::kColumnPad - 1) / kernels::kColumnPad;
}

/// Calls visit(first column, columns, offset) for what QGemmKernel::panel takes at a time, in these groups.
template <class Visit>
void for_each_call(const kernels::WeightLayout& layout, size_t columns, size_t k, Panels groups,
                   Visit visit) {
  const size_t depth = layout.wide.depth(k);
  const size_t end = groups.end * kernels::kColumnPad < columns ? groups.end * kernels::kColumnPad : columns;
  for (size_t column = groups.first * kernels::kColumnPad; column < end; column += layout.call_columns) {
    const size_t width = end - column < layout.call_columns ? end - column : layout.call_columns;
    visit(column, width, column * depth);
  }
}

inline size_t panel_count(const kernels::PanelLayout& layout, size_t columns) noexcept {
  return (columns + layout.columns() - 1) / layout.columns();
}

/// The same for all panels.
template <class Visit>
void for_each_panel(const kernels::PanelLayout& layout, size_t columns, size_t k, Visit visit) {
  for_each_panel(layout, columns, k, 0, panel_count(layout, columns), visit);
}

/// Packs w[column, k] = source[column · column_stride + k · k_stride] into `packed` (zeroed beforehand), each
/// panel behind its head.
template <class T>
void pack(const kernels::WeightLayout& layout, const T* source, size_t column_stride, size_t k_stride,
          size_t columns, size_t k, T* packed) noexcept;

struct WeightSource {
  const void* data = nullptr;  // int8_t or uint8_t, row-major [out, in]
  bool is_unsigned = false;
  size_t out_features = 0;
  size_t in_features = 0;
  std::span<const int32_t> zero_point;  // empty (0), one, or one a row; in the range of the data's type
};

/// int8 weights, packed. Immutable once made.
class PackedWeights {
 public:
  /// As the kernel reads them on this CPU.
  static Result<std::shared_ptr<const PackedWeights>> make(const kernels::QGemmKernel& kernel,
                                                           const WeightSource& source);
  /// In sparse panels where they take at most this share of the steps of dense ones (0: never).
  static Result<std::shared_ptr<const PackedWeights>> make(const kernels::WeightLayout& layout,
                                                           const WeightSource& source,
                                                           double most_sparse_work = 0);

  const kernels::WeightLayout& layout() const noexcept { return layout_; }
  size_t out_features() const noexcept { return out_features_; }
  size_t in_features() const noexcept { return in_features_; }
  bool is_sparse() const noexcept { return sparse_.packed(); }
  /// Dense panels.
  const int8_t* data() const noexcept { return packed_.data(); }
  const SparsePanels& sparse() const noexcept { return sparse_; }
  /// About the share of the time of dense panels that a product takes.
  double work() const noexcept { return sparse_.work(); }
  /// The weights as they came, row-major [out, in]: the inverse of packing. `is_unsigned` as in the source.
  void unpack(bool is_unsigned, int8_t* out) const noexcept;
  size_t bytes() const noexcept;

  /// Σk (w − zw) a column, exact (int64): with it the input's zero point folds into the bias.
  int64_t sum(size_t column) const noexcept { return positive_[column] + negative_[column]; }
  /// −zw a column as the rank-one correction reads it (padded), or null where every zw is 0.
  const int32_t* minus_zero_point() const noexcept {
    return minus_zero_point_.size() == 0 ? nullptr : minus_zero_point_.data();
  }

  /// The largest and smallest b + Σ (x − zx)(w − zw) of a column, x − zx in [x_lo, x_hi].
  struct Bound {
    int64_t lo, hi;
  };
  Bound bound(size_t column, std::span<const int32_t> bias, int64_t x_lo, int64_t x_hi) const noexcept {
    const int64_t b = bias.empty() ? 0 : bias[column];
    return {b + positive_[column] * x_lo + negative_[column] * x_hi,
            b + positive_[column] * x_hi + negative_[column] * x_lo};
  }
  /// Whether b + Σ (x − zx)(w − zw) fits int32 for every x in [lo, hi] (already less zx) of every column.
  Status check_bound(std::span<const int32_t> bias, int64_t x_lo, int64_t x_hi) const;

 private:
  kernels::WeightLayout layout_{};
  size_t out_features_ = 0;
  size_t in_features_ = 0;
  SharedBuffer<int8_t> packed_;  // or
  SparsePanels sparse_;
  AlignedBuffer<int64_t> positive_;  // Σ max(w − zw, 0)
  AlignedBuffer<int64_t> negative_;  // Σ min(w − zw, 0)
  AlignedBuffer<int32_t> minus_zero_point_;
};

}  // namespace requant::gemm
