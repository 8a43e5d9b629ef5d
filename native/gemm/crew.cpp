#include "gemm/crew.h"

#include <algorithm>

namespace requant::gemm {
namespace {

/// A shared product must save more than sharing costs, and a chunk take longer than claiming it.
constexpr double kWorthSharingNs = 2 * kShareNs;
constexpr double kChunkNs = 2500;
constexpr size_t kChunksPerThread = 4;

}  // namespace

size_t column_chunks(size_t panels, double ns, size_t threads) noexcept {
  if (threads == 1 || panels == 1 || ns < kWorthSharingNs) return 1;
  const auto a_thread = static_cast<size_t>(ns / (kChunkNs * static_cast<double>(threads)));
  return std::min(panels, std::clamp<size_t>(a_thread, 1, kChunksPerThread) * threads);
}

void qgemm(const parallel::Crew& crew, const kernels::QGemmKernel& kernel, MatrixView<const uint8_t> a,
           const PackedWeights& weights, const kernels::Epilogue& epilogue, void* out,
           size_t out_stride) noexcept {
  if (crew.alone()) return qgemm(kernel, a, weights, epilogue, out, out_stride);
  const size_t n = weights.out_features();
  const size_t groups = group_count(n);
  const double ns = weights.work() * product_cost(kernel.layout.wide, a.cols, n).of(a.rows);
  const size_t chunks = column_chunks(groups, ns, crew.threads());
  if (chunks == 1) return qgemm(kernel, a, weights, epilogue, out, out_stride);
  share_panels(crew, groups, chunks,
               [&](Panels some) { qgemm(kernel, a, weights, epilogue, out, out_stride, some); });
}

void sgemm(const parallel::Crew& crew, const kernels::SGemmKernel& kernel, const FloatOperand& a,
           const PackedFloatWeights& weights, const float* scale, const float* bias, float* out,
           size_t out_stride) noexcept {
  if (crew.alone()) return sgemm(kernel, a, weights, scale, bias, out, out_stride);
  const size_t n = weights.out_features;
  const size_t panels = panel_count(kernel.layout, n);
  const double ns = product_cost(kernel.layout, weights.in_features, n).of(a.rows);
  const size_t chunks = column_chunks(panels, ns, crew.threads());
  if (chunks == 1) return sgemm(kernel, a, weights, scale, bias, out, out_stride);
  share_panels(crew, panels, chunks,
               [&](Panels some) { sgemm(kernel, a, weights, scale, bias, out, out_stride, some); });
}

}  // namespace requant::gemm
