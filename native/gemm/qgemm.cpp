#include "gemm/qgemm.h"

#include <algorithm>

namespace requant::gemm {

void qgemm(const kernels::QGemmKernel& kernel, MatrixView<const uint8_t> a, const PackedWeights& weights,
           const kernels::Epilogue& epilogue, void* out, size_t out_stride) noexcept {
  qgemm(kernel, a, weights, epilogue, out, out_stride, {0, group_count(weights.out_features())});
}

void qgemm(const kernels::QGemmKernel& kernel, MatrixView<const uint8_t> a, const PackedWeights& weights,
           const kernels::Epilogue& epilogue, void* out, size_t out_stride, Panels groups) noexcept {
  const size_t element = kernels::output_bytes(epilogue.output);
  if (weights.is_sparse()) {
    constexpr size_t kColumns = kernels::SparseLayout::kColumns;
    const size_t end = std::min(groups.end * kernels::kColumnPad, weights.out_features());
    for (size_t column = groups.first * kernels::kColumnPad; column < end; column += kColumns) {
      kernel.sparse_panel({a.data, a.stride, weights.sparse().panel(column), a.rows, a.cols, column,
                           std::min(kColumns, end - column), &epilogue,
                           static_cast<uint8_t*>(out) + column * element, out_stride});
    }
    return;
  }
  for_each_call(weights.layout(), weights.out_features(), a.cols, groups,
                [&](size_t column, size_t columns, size_t offset) {
                  kernel.panel({a.data, a.stride, weights.data() + offset, a.rows, a.cols, column, columns,
                                &epilogue, static_cast<uint8_t*>(out) + column * element, out_stride});
                });
}

void row_sums(MatrixView<const uint8_t> a, int32_t* sums) noexcept {
  for (size_t r = 0; r < a.rows; ++r) {
    const uint8_t* row = a.row(r);
    uint32_t sum = 0;
    for (size_t k = 0; k < a.cols; ++k) sum += row[k];
    sums[r] = static_cast<int32_t>(sum);
  }
}

}  // namespace requant::gemm
