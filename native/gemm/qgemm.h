// The int8 product: panels outside, rows inside, the epilogue fused.
#pragma once

#include "base/matrix_view.h"
#include "gemm/packed_weights.h"
#include "kernels/kernel.h"

namespace requant::gemm {

/// out[m, n] = epilogue(Σk a[m, k]·w[n, k]). `a` holds u8 codes (int8 + 128). The output's element type
/// follows from epilogue.output; out_stride counts its elements. Epilogue corrections are complete (see
/// row_sums).
void qgemm(const kernels::QGemmKernel& kernel, MatrixView<const uint8_t> a, const PackedWeights& weights,
           const kernels::Epilogue& epilogue, void* out, size_t out_stride) noexcept;

/// The same for the columns of these groups only.
void qgemm(const kernels::QGemmKernel& kernel, MatrixView<const uint8_t> a, const PackedWeights& weights,
           const kernels::Epilogue& epilogue, void* out, size_t out_stride, Panels groups) noexcept;

/// Σk a[m, k] of every row: the row half of the correction for weight zero points.
void row_sums(MatrixView<const uint8_t> a, int32_t* sums) noexcept;

}  // namespace requant::gemm
