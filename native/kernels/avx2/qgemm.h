// AVX2, exact: both sides widened to int16, vpmaddwd (two k a lane, cannot overflow: 2 · 255 · 128 < 2^31),
// vpaddd. vpmaddubsw would saturate at int16 and is not used.
//
//                 2 vectors × 8 columns of w (2 k each)
//                ┌────────┬────────┐
//   6 rows of a  │ ymm    │ ymm    │  × 6 = 12 accumulators
//   (broadcast)  └────────┴────────┘  + 2 weights + 1 broadcast + 1 product = 16 registers
//
//   per 2 k: 2 loads + 6 broadcast loads, 12 vpmaddwd + 12 vpaddd for 192 MAC: ALU bound (two vpmaddwd a
//   cycle on Zen 3 and 4, Haswell and later). Both sides are widened beforehand into buffers on the stack, a
//   slice of k at a time:
//     activations  up to 36 rows, for all panels of a call;
//     weights      a panel, for all tiles of these rows: the first one widens them as it goes (2 vpmovsxbw
//                  more a step, 24 → 26 operations) and stores them for the others.
//   Between slices the accumulators wait in a third buffer.
#pragma once

#include "kernels/avx2/lanes.h"

namespace requant::kernels {
namespace {

constexpr PanelLayout kPanel{Lanes8::kLanes, kVectors, 2};

constexpr size_t kBlockRows = 6 * kRows;
/// Columns of a call share the widened rows: twice as many are 4 % faster.
constexpr size_t kCallColumns = 2 * kColumnPad;
/// Values of k in a slice: 18 KiB of activations and 8 KiB of weights stay in the first cache. Rows of a
/// single tile have the room of all of them.
constexpr size_t kSlice = 256;
/// A row of the buffer ends in a zero, so that an odd k can be read as pairs.
constexpr size_t kRowGap = 16;
constexpr size_t kSingleTileSlice = (kSlice + kRowGap) * kBlockRows / kRows - kRowGap;

struct Buffers {
  alignas(32) int16_t rows[kBlockRows * (kSlice + kRowGap)];
  alignas(32) int16_t weights[kSlice * kPanel.columns()];
  alignas(32) int32_t acc[kBlockRows * kCallColumns];
};

/// u8 → int16, and a zero behind the last one.
void widen(const uint8_t* a, size_t count, int16_t* out) noexcept {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i));
    _mm256_store_si256(reinterpret_cast<__m256i*>(out + i), _mm256_cvtepu8_epi16(bytes));
  }
  for (; i < count; ++i) out[i] = a[i];
  out[count] = 0;
}

/// Where a tile's weights come from, sixteen at a time.
struct FromPanel {
  const int8_t* panel;

  __m256i load(size_t i) const noexcept {
    return _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(panel + i)));
  }
};

/// And leaves them widened for the next tile.
struct FromPanelToBuffer : FromPanel {
  int16_t* buffer;

  __m256i load(size_t i) const noexcept {
    const __m256i weights = FromPanel::load(i);
    _mm256_store_si256(reinterpret_cast<__m256i*>(buffer + i), weights);
    return weights;
  }
};

struct FromBuffer {
  const int16_t* buffer;

  __m256i load(size_t i) const noexcept {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(buffer + i));
  }
};

__m256i broadcast2(const int16_t* pair) noexcept {
  int32_t both;
  __builtin_memcpy(&both, pair, 4);
  return _mm256_set1_epi32(both);
}

/// What a tile needs of a slice of k.
struct Slice {
  const int16_t* rows;  // the tile's first
  size_t row_stride;
  size_t count;  // of k
  int32_t* acc;  // the tile's, kCallColumns a row: from the slice before, for the next one
  bool first, last;
};

/// acc[r][v] += Σ over the slice. Not unrolled: all 16 registers are in use, and g++ would spill to load
/// ahead.
template <int Rows, int Vectors, class Weights>
[[gnu::always_inline]] inline void accumulate(const Slice& s, const Weights from,
                                              __m256i (&acc)[Rows][Vectors]) noexcept {
  const int16_t* a = s.rows;
  for (size_t k = 0, i = 0; k < s.count; k += 2, a += 2, i += Vectors * 16) {
    __m256i weights[Vectors];
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) { weights[v] = from.load(i + v * 16); });
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      const __m256i x = broadcast2(a + r * s.row_stride);
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        acc[r][v] = _mm256_add_epi32(acc[r][v], _mm256_madd_epi16(x, weights[v]));
      });
    });
  }
}

template <int Rows, int Vectors, class Weights>
[[gnu::flatten]] void qtile(const QGemmPanel& p, size_t row, const Slice& s, const Weights& from) noexcept {
  __m256i acc[Rows][Vectors];
  if (s.first) {
    const Bias<Lanes8, Vectors> bias(p);
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) { acc[r][v] = bias.of[v]; });
    });
  } else {
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        acc[r][v] = Lanes8::load(s.acc + r * kCallColumns + v * Lanes8::kLanes);
      });
    });
  }
  accumulate(s, from, acc);
  if (s.last) return Tile<Lanes8, Rows, Vectors>{p, row, acc}.finish();
  unroll<Rows>([&](auto r) __attribute__((always_inline)) {
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      Lanes8::store(s.acc + r * kCallColumns + v * Lanes8::kLanes, acc[r][v], Lanes8::kLanes);
    });
  });
}

template <class Weights>
using SliceTileFn = void (*)(const QGemmPanel&, size_t row, const Slice&, const Weights&) noexcept;

template <int Vectors, class Weights>
constexpr SliceTileFn<Weights> kWideTiles[kRows] = {qtile<1, Vectors, Weights>, qtile<2, Vectors, Weights>,
                                                    qtile<3, Vectors, Weights>, qtile<4, Vectors, Weights>,
                                                    qtile<5, Vectors, Weights>, qtile<6, Vectors, Weights>};

template <class Weights>
void run_tile(const QGemmPanel& p, size_t row, size_t rows, const Slice& s, const Weights& from) noexcept {
  constexpr const SliceTileFn<Weights>* kTilesOf[kVectors] = {kWideTiles<1, Weights>, kWideTiles<2, Weights>};
  kTilesOf[vectors_for(p.columns, Lanes8::kLanes) - 1][rows - 1](p, row, s, from);
}

/// A slice of the rows [row, row + rows) of one panel; `s` is the first tile's, `w` the slice's weights.
void run_slice(const QGemmPanel& p, size_t row, size_t rows, Slice s, const int8_t* w,
               int16_t* buffer) noexcept {
  if (rows <= kRows) return run_tile(p, row, rows, s, FromPanel{w});
  const size_t end = row + rows;
  for (bool widened = false; row < end; widened = true) {
    const size_t of_tile = tile_rows(end - row, kRows);
    if (widened) {
      run_tile(p, row, of_tile, s, FromBuffer{buffer});
    } else {
      run_tile(p, row, of_tile, s, FromPanelToBuffer{{w}, buffer});
    }
    row += of_tile;
    s.rows += of_tile * s.row_stride;
    s.acc += of_tile * kCallColumns;
  }
}

/// Up to kBlockRows rows of a call's panels.
void run_block(const QGemmPanel& p, size_t row, size_t rows, Buffers& buffers) noexcept {
  const size_t slice = rows <= kRows ? kSingleTileSlice : kSlice;
  for (size_t k = 0; k < p.k; k += slice) {
    Slice s{buffers.rows, slice + kRowGap, minimum(slice, p.k - k), buffers.acc, k == 0, k + slice >= p.k};
    for (size_t r = 0; r < rows; ++r) {
      widen(p.a + (row + r) * p.a_stride + k, s.count, buffers.rows + r * s.row_stride);
    }
    each_panel(p, kPanel, [&](const QGemmPanel& panel) {
      const size_t columns = vectors_for(panel.columns, Lanes8::kLanes) * Lanes8::kLanes;
      run_slice(panel, row, rows, s, panel.weights + k * columns, buffers.weights);
      s.acc += kPanel.columns();
    });
  }
}

void qgemm_6x16_avx2(const QGemmPanel& p) noexcept {
  Buffers buffers;
  for (size_t row = 0; row < p.rows;) {
    const size_t rows = tile_rows(p.rows - row, kBlockRows);
    run_block(p, row, rows, buffers);
    row += rows;
  }
}

/// Register-only: ten chains.
uint64_t peak_int8(uint64_t steps) noexcept {
  constexpr int kChains = 10;
  __m256i acc[kChains] = {};
  const __m256i x = _mm256_set1_epi16(1);
  for (uint64_t i = 0; i < steps; ++i) {
    for (auto& a : acc) {
      __m256i product;
      asm volatile("vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(a), "=&x"(product) : "x"(x));
    }
  }
  return steps * kChains * 16;
}

}  // namespace
}  // namespace requant::kernels
