// Products whose column panels are spread over threads: for few rows and many columns.
#pragma once

#include "gemm/cost.h"
#include "gemm/qgemm.h"
#include "gemm/sgemm.h"
#include "parallel/pool.h"

namespace requant::gemm {

/// How many chunks the panels of a product are cut into for a crew; 1 where sharing does not pay.
size_t column_chunks(size_t panels, double ns, size_t threads) noexcept;

/// Shares the panels in `chunks` stretches: run(panels).
template <class Run>
void share_panels(const parallel::Crew& crew, size_t panels, size_t chunks, Run run) noexcept {
  auto body = [&](parallel::Share& share) noexcept {
    for (size_t i; share.next(i);) run(Panels{panels * i / chunks, panels * (i + 1) / chunks});
  };
  crew.pool->fork(chunks, crew.helpers, body);
}

/// As gemm::qgemm, the panels shared where that pays.
void qgemm(const parallel::Crew& crew, const kernels::QGemmKernel& kernel, MatrixView<const uint8_t> a,
           const PackedWeights& weights, const kernels::Epilogue& epilogue, void* out,
           size_t out_stride) noexcept;

/// As gemm::sgemm, the panels shared where that pays.
void sgemm(const parallel::Crew& crew, const kernels::SGemmKernel& kernel, const FloatOperand& a,
           const PackedFloatWeights& weights, const float* scale, const float* bias, float* out,
           size_t out_stride) noexcept;

}  // namespace requant::gemm
