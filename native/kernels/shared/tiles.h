// How a panel's rows are cut into register tiles, and the float32 tile. Internal linkage, as in epilogue.h.
#pragma once

#include "kernels/shared/finish.h"

namespace requant::kernels {
namespace {

/// Rows in the next tile when `left` rows are split as evenly as tiles of `most` rows allow.
constexpr size_t tile_rows(size_t left, size_t most) noexcept {
  const size_t tiles = (left + most - 1) / most;
  return (left + tiles - 1) / tiles;
}

using QTileFn = void (*)(const QGemmPanel&, size_t row) noexcept;
using STileFn = void (*)(const SGemmPanel&, size_t row) noexcept;

/// QGemmKernel::epilogue. acc may end anywhere: the last vector of a row is copied before it is read.
template <class V>
void epilogue(const Epilogue& e, const AccumulatorBlock& b) noexcept {
  alignas(64) int32_t acc[V::kLanes];
  const StoreVector store = V::select_store(e);
  for (size_t r = 0; r < b.rows; ++r) {
    for (size_t c = 0; c < b.columns; c += V::kLanes) {
      const size_t columns = minimum(V::kLanes, b.columns - c);
      __builtin_memcpy(acc, b.acc + r * b.acc_stride + c, columns * sizeof(int32_t));
      auto* out = static_cast<uint8_t*>(b.out) + (r * b.out_stride + c) * output_bytes(e.output);
      store(e, {acc, V::kLanes, b.row + r, 1, b.column + c, columns, out, b.out_stride}, 0);
    }
  }
}

/// All rows of a panel: tiles[rows − 1] does a tile of so many rows, at most `most`.
template <class Panel>
void run_tiles(const Panel& p, void (*const* tiles)(const Panel&, size_t) noexcept, size_t most) noexcept {
  for (size_t row = 0; row < p.rows;) {
    const size_t rows = tile_rows(p.rows - row, most);
    tiles[rows - 1](p, row);
    row += rows;
  }
}

/// Panel number `index` of a group, for a layout with panels narrower than kColumnPad.
inline QGemmPanel panel_of(const QGemmPanel& group, const PanelLayout& layout, size_t index) noexcept {
  const size_t first = index * layout.columns();
  QGemmPanel panel = group;
  panel.weights += first * layout.depth(group.k);
  panel.column += first;
  panel.columns = minimum(layout.columns(), group.columns - first);
  panel.out = static_cast<uint8_t*>(group.out) + first * output_bytes(group.epilogue->output);
  return panel;
}

/// The panels of a group, left to right.
template <class Body>
void each_panel(const QGemmPanel& group, const PanelLayout& layout, Body body) noexcept {
  for (size_t i = 0; i * layout.columns() < group.columns; ++i) body(panel_of(group, layout, i));
}

/// Dot products have a latency of four or five cycles, two may start in one: fewer accumulators than this
/// would wait for themselves, so that k is split over several chains (integers: same bits).
constexpr int kMinAccumulators = 8;

constexpr int chains_for(int accumulators) noexcept {
  if (accumulators >= kMinAccumulators) return 1;
  return accumulators >= kMinAccumulators / 2 ? 2 : 4;
}

constexpr size_t vectors_for(size_t columns, size_t lanes) noexcept { return (columns + lanes - 1) / lanes; }

/// A register tile of the float32 product: one fused multiply-add chain over k an output.
template <class V, int Rows, int Vectors, class Weight>
void stile(const SGemmPanel& p, size_t row) noexcept {
  const float* a = p.a + row * p.a_row_stride;
  const auto* w = static_cast<const Weight*>(p.weights);
  typename V::Float acc[Rows][Vectors];
  for (auto& r : acc) {
    for (auto& v : r) v = V::set(0.0F);
  }
  for (size_t k = 0; k < p.k; ++k, w += Vectors * V::kLanes, a += p.a_k_stride) {
    typename V::Float weights[Vectors];
    for (int v = 0; v < Vectors; ++v) weights[v] = V::load_weights(w + v * V::kLanes);
    for (int r = 0; r < Rows; ++r) {
      const auto x = V::set(a[r * p.a_row_stride]);
      for (int v = 0; v < Vectors; ++v) acc[r][v] = V::multiply_add(x, weights[v], acc[r][v]);
    }
  }
  for (int v = 0; v < Vectors; ++v) {
    const size_t column = p.column + v * V::kLanes;
    for (int r = 0; r < Rows; ++r) {
      auto y = acc[r][v];
      if (p.scale != nullptr) y = V::mul(y, V::load(p.scale + column));
      if (p.bias != nullptr) y = V::add(y, V::load(p.bias + column));
      V::store(p.out + (row + r) * p.out_stride + v * V::kLanes, y, p.columns - v * V::kLanes);
    }
  }
}

/// SGemmKernel::panel_*. tiles_of[vectors − 1][rows − 1]
template <class V, size_t MaxRows>
void sgemm_panel(const SGemmPanel& p, const STileFn* const* tiles_of) noexcept {
  run_tiles(p, tiles_of[vectors_for(p.columns, V::kLanes) - 1], MaxRows);
}

/// Tile functions by rows; the instruction sets here all use tiles of up to six rows.
template <class V, int Vectors, class Weight>
constexpr STileFn kSTilesOf[6] = {stile<V, 1, Vectors, Weight>, stile<V, 2, Vectors, Weight>,
                                  stile<V, 3, Vectors, Weight>, stile<V, 4, Vectors, Weight>,
                                  stile<V, 5, Vectors, Weight>, stile<V, 6, Vectors, Weight>};

}  // namespace
}  // namespace requant::kernels
