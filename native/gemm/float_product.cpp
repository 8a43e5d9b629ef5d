#include "gemm/float_product.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/aligned_buffer.h"

namespace requant::gemm {
namespace {

/// Columns that are k after k in memory: each row of the panel is a copy.
void pack_rows(const float* source, size_t k_stride, size_t columns, size_t k, size_t width,
               float* packed) noexcept {
  for (size_t i = 0; i < k; ++i, source += k_stride, packed += width)
    std::memcpy(packed, source, columns * sizeof(float));
}

using Four = float __attribute__((vector_size(16)));

/// to[j][i] = from[i][j], 4 × 4 values.
[[gnu::always_inline]] inline void transpose4(const float* from, size_t from_stride, float* to,
                                              size_t to_stride) noexcept {
#if __has_builtin(__builtin_shufflevector)
  Four row[4];
  for (size_t i = 0; i < 4; ++i) std::memcpy(&row[i], from + i * from_stride, sizeof(Four));
  const Four low01 = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
  const Four low23 = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
  const Four high01 = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
  const Four high23 = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
  const Four column[4] = {__builtin_shufflevector(low01, low23, 0, 1, 4, 5),
                          __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
                          __builtin_shufflevector(high01, high23, 0, 1, 4, 5),
                          __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
  for (size_t i = 0; i < 4; ++i) std::memcpy(to + i * to_stride, &column[i], sizeof(Four));
#else
  for (size_t j = 0; j < 4; ++j) {
    for (size_t i = 0; i < 4; ++i) to[j * to_stride + i] = from[i * from_stride + j];
  }
#endif
}

/// Columns that lie side by side: a transposition, in blocks of a cache line of k. Four columns at a time,
/// since strides are often a power of two: more lines would compete for one set of the cache.
void pack_transposed(const float* source, size_t stride, size_t columns, size_t k, size_t width,
                     float* packed) noexcept {
  constexpr size_t kLine = 16;
  for (size_t i = 0; i < k; i += kLine) {
    const size_t end = std::min(i + kLine, k);
    size_t c = 0;
    for (; c + 4 <= columns; c += 4) {
      const float* from = source + c * stride;
      size_t d = i;
      for (; d + 4 <= end; d += 4) transpose4(from + d, stride, packed + d * width + c, width);
      for (; d < end; ++d) {
        for (size_t j = 0; j < 4; ++j) packed[d * width + c + j] = from[j * stride + d];
      }
    }
    for (; c < columns; ++c) {
      for (size_t d = i; d < end; ++d) packed[d * width + c] = source[c * stride + d];
    }
  }
}

/// [k][width], the columns beyond the last one left as they are: what they give is not stored.
void pack_panel(const FloatColumns& b, size_t first, size_t columns, size_t width, float* packed) noexcept {
  const float* source = b.data + first * b.stride;
  if (b.stride == 1) {
    pack_rows(source, b.k_stride, columns, b.k, width, packed);
  } else {
    pack_transposed(source, b.stride, columns, b.k, width, packed);
  }
}

}  // namespace

Status float_product(parallel::Pool& pool, const kernels::SGemmKernel& kernel, const FloatOperand& a,
                     const FloatColumns& b, const float* bias, float* out) {
  const kernels::PanelLayout& layout = kernel.layout;
  const size_t panels = panel_count(layout, b.columns);
  const double ns = product_cost(layout, b.k, b.columns).of(a.rows);
  const size_t chunks = column_chunks(panels, ns, pool.threads());
  const size_t threads = std::min(chunks, pool.threads());

  // A panel and its bias for each thread.
  const size_t panel_size = b.k * layout.columns();
  const size_t scratch_size = panel_size + layout.columns();
  AlignedBuffer<float> scratch;
  if (!scratch.allocate(threads * scratch_size)) return out_of_memory(threads * scratch_size * sizeof(float));

  std::atomic<size_t> seat{0};
  auto body = [&](parallel::Share& share) noexcept {
    float* const packed = scratch.data() + seat++ * scratch_size;
    float* const padded_bias = bias == nullptr ? nullptr : packed + panel_size;
    for (size_t chunk; share.next(chunk);) {
      for (size_t i = panels * chunk / chunks; i < panels * (chunk + 1) / chunks; ++i) {
        const size_t column = i * layout.columns();
        const size_t columns = std::min(layout.columns(), b.columns - column);
        pack_panel(b, column, columns, round_up(columns, layout.lanes), packed);
        if (bias != nullptr) std::copy_n(bias + column, columns, padded_bias);
        kernel.panel_f32({a.data, a.row_stride, a.k_stride, packed, a.rows, b.k, 0, columns, nullptr,
                          padded_bias, out + column, b.columns});
      }
    }
  };
  const size_t helpers = threads - 1;
  pool.fork(chunks, {helpers, helpers != 0 && pool.worth_waking(helpers, ns)}, body);
  return {};
}

}  // namespace requant::gemm
