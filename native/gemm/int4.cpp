#include "gemm/int4.h"

#include <algorithm>

#include "gemm/crew.h"

namespace requant::gemm {
namespace {

/// Runs `panel` for each column panel; the rest of the panel's fields are as in `whole`.
void for_each_int4_panel(const parallel::Crew& crew, const PackedInt4& weights,
                         const kernels::Int4Panel& whole,
                         void (*run)(const kernels::Int4Panel&) noexcept) noexcept {
  const size_t width = weights.kernel().layout.columns();
  const auto some = [&](Panels panels) noexcept {
    for (size_t i = panels.first; i < panels.end; ++i) {
      kernels::Int4Panel panel = whole;
      panel.column = i * width;
      panel.columns = std::min(width, weights.out_features() - panel.column);
      panel.weights = weights.panel(panel.column);
      panel.out += panel.column;
      run(panel);
    }
  };
  const size_t panels = weights.panels();
  const size_t chunks =
      crew.alone() ? 1 : column_chunks(panels, weights.cost().of(whole.rows), crew.threads());
  if (chunks == 1) return some({0, panels});
  share_panels(crew, panels, chunks, some);
}

kernels::Int4Panel whole_product(const PackedInt4& weights, size_t rows, const float* bias,
                                 float* out) noexcept {
  kernels::Int4Panel p{};
  p.rows = rows;
  p.k = weights.in_features();
  p.group_size = weights.group_size();
  p.short_scales = weights.short_scales();
  p.bias = bias;
  p.out = out;
  p.out_stride = weights.out_features();
  return p;
}

}  // namespace

void int4_group_sums(MatrixView<const uint8_t> codes, size_t group_size, int32_t* sums) noexcept {
  for (size_t r = 0; r < codes.rows; ++r) {
    for (size_t k = 0; k < codes.cols; k += group_size) {
      const uint8_t* group = codes.row(r) + k;
      const size_t count = std::min(group_size, codes.cols - k);
      int32_t sum = 0;
      for (size_t i = 0; i < count; ++i) sum += group[i];
      *sums++ = -kernels::Int4Layout::kOffset * sum;
    }
  }
}

void int4_product(const parallel::Crew& crew, const PackedInt4& weights, const DynamicRows& a,
                  const float* bias, float* out) noexcept {
  kernels::Int4Panel p = whole_product(weights, a.codes.rows, bias, out);
  p.a = a.codes.data;
  p.a_stride = a.codes.stride;
  p.group_sums = a.group_sums;
  p.row_scale = a.scale;
  p.minus_zero_point = a.minus_zero_point;
  for_each_int4_panel(crew, weights, p, weights.kernel().panel_u8);
}

void int4_product(const parallel::Crew& crew, const PackedInt4& weights, MatrixView<const float> a,
                  const float* bias, float* out) noexcept {
  kernels::Int4Panel p = whole_product(weights, a.rows, bias, out);
  p.a = a.data;
  p.a_stride = a.stride;
  for_each_int4_panel(crew, weights, p, weights.kernel().panel_f32);
}

}  // namespace requant::gemm
