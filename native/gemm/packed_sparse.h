// int8 weights with many zero blocks of four columns × one k, packed without them (kernels::SparseLayout).
#pragma once

#include <cstdint>
#include <vector>

#include "base/shared_buffer.h"
#include "base/status.h"
#include "kernels/kernel.h"

namespace requant::gemm {

class SparsePanels {
 public:
  /// Where sparse panels pay, as a share of the steps of dense ones: measured by bench/native/sparse_bench
  /// (docs/pruning.md).
  static constexpr double kWorthwhile = 0.45;

  /// From w[column, k], row-major. Not packed where they would take more than `most_work` of the steps.
  static Result<SparsePanels> make(const int8_t* w, size_t columns, size_t k, double most_work);

  bool packed() const noexcept { return !offsets_.empty(); }
  /// About the share of the time that dense panels take.
  double work() const noexcept { return work_; }
  /// What a kernel reads of the panel that begins with `column`.
  const int8_t* panel(size_t column) const noexcept {
    return bytes_.data() + offsets_[column / kernels::SparseLayout::kColumns];
  }
  size_t bytes() const noexcept { return bytes_.bytes() + offsets_.size() * sizeof(size_t); }
  /// The inverse of packing, into zeros.
  void unpack(size_t columns, size_t k, int8_t* w) const noexcept;

 private:
  double work_ = 1;
  std::vector<size_t> offsets_;  // of each panel
  SharedBuffer<int8_t> bytes_;
};

}  // namespace requant::gemm
