// Register tiles of the products with int4 weights, over a policy D:
//   V                    the vector type (lanes.h); a vector of weights is 4 bytes a lane
//   load(p)              a vector of weights
//   low(v), high(v)      the operands of dot for the low nibbles' and the high nibbles' columns
//   dot(acc, u8, w)      acc + Σ u8·w of the four k of a lane
//   high_sum(high, low)  16·Σ u8·w of the high nibbles from the sums of both operands
//   add_words(acc, by, words)  acc + by·(lower half of each word), both int16; the upper half of `by` is 0
//   upper(words)         the upper halves of the words as float32
//   low_weight<K>(v), high_weight<K>(v)  k number K of a step as float32
// Internal linkage, as in epilogue.h.
#pragma once

#include "kernels/shared/dot_tiles.h"

namespace requant::kernels {
namespace {

using Int4TileFn = void (*)(const Int4Panel&, size_t row) noexcept;

/// Where a tile stands in its panel's stream of weights and scales. Columns come in vectors of their own: 2·i
/// are the low nibbles of vector i, 2·i + 1 the high ones.
template <class D, int Vectors>
struct Int4Stream {
  using V = typename D::V;
  static constexpr int kColumnVectors = 2 * Vectors;
  static constexpr size_t kVectorBytes = 4 * V::kLanes;
  const std::byte* at;
  bool short_scales;

  [[gnu::always_inline]] typename V::Int weights(int v) const noexcept {
    return D::load(at + v * kVectorBytes);
  }
  [[gnu::always_inline]] void next() noexcept { at += Vectors * kVectorBytes; }

  /// y = fma(t(words of column vector v, r, v), scale, y): the end of a group.
  template <int Rows, class Term>
  [[gnu::always_inline]] void add_group(Term t, typename V::Float (&y)[Rows][kColumnVectors]) noexcept {
    unroll<kColumnVectors>([&](auto v) __attribute__((always_inline)) {
      const auto words = weights(v);
      const auto scale =
          short_scales ? D::upper(words)
                       : V::load(reinterpret_cast<const float*>(at + (kColumnVectors + v) * kVectorBytes));
      unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        y[r][v] = V::multiply_add(t(words, r, v), scale, y[r][v]);
      });
    });
    at += kColumnVectors * (short_scales ? kVectorBytes : 2 * kVectorBytes);
  }
};

template <class V, int Rows, int Vectors>
[[gnu::always_inline]] inline void clear(typename V::Float (&y)[Rows][Vectors]) noexcept {
  unroll<Rows>([&](auto r) __attribute__((always_inline)) {
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) { y[r][v] = V::set(0.0F); });
  });
}

/// fl(fl(y · row scale) + bias)
template <class V, bool Scaled, int Rows, int Vectors>
[[gnu::always_inline]] inline void int4_store(const Int4Panel& p, size_t row,
                                              typename V::Float (&y)[Rows][Vectors]) noexcept {
  unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
    if (v * V::kLanes >= p.columns) return;  // high nibbles that are all padding
    const auto bias = p.bias != nullptr ? V::load(p.bias + p.column + v * V::kLanes) : V::set(0.0F);
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      auto out = y[r][v];
      if (Scaled) out = V::mul(out, V::set(p.row_scale[row + r]));
      if (p.bias != nullptr) out = V::add(out, bias);
      V::store(p.out + (row + r) * p.out_stride + v * V::kLanes, out, p.columns - v * V::kLanes);
    });
  });
}

/// The integer sums of a group, over as many chains as hide the latency of dot.
template <class D, int Rows, int Vectors>
struct Int4Sums {
  using V = typename D::V;
  using Int = typename V::Int;
  static constexpr int kColumnVectors = 2 * Vectors;
  static constexpr int kChains = chains_for(Rows * kColumnVectors);
  Int acc[kChains * Rows][kColumnVectors];

  /// The first chain starts from −8·Σa, which undoes the offset of the low nibbles, and cancels in high_sum.
  [[gnu::always_inline]] Int4Sums(const int32_t* group_sums, size_t groups) noexcept {
    unroll<kChains * Rows>([&](auto i) __attribute__((always_inline)) {
      const Int start = i < Rows ? V::set(group_sums[i * groups]) : V::set(0);
      unroll<kColumnVectors>([&](auto v) __attribute__((always_inline)) { acc[i][v] = start; });
    });
  }

  [[gnu::always_inline]] void add(int chain, const Int4Stream<D, Vectors>& stream, const uint8_t* a,
                                  size_t a_stride) noexcept {
    Int weights[kColumnVectors];
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      const Int packed = stream.weights(v);
      weights[2 * v] = D::low(packed);
      weights[2 * v + 1] = D::high(packed);
    });
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      const Int x = FourDeep<V>::broadcast(a + r * a_stride);
      unroll<kColumnVectors>([&](auto v) __attribute__((always_inline)) {
        acc[chain * Rows + r][v] = D::dot(acc[chain * Rows + r][v], x, weights[v]);
      });
    });
  }

  /// Σ a·w of each column, of high nibbles 16 times that.
  [[gnu::always_inline]] void join() noexcept {
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      unroll<kColumnVectors>([&](auto v) __attribute__((always_inline)) {
        unroll<kChains - 1>([&](auto c) __attribute__((always_inline)) {
          acc[r][v] = V::add(acc[r][v], acc[(c + 1) * Rows + r][v]);
        });
      });
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        acc[r][2 * v + 1] = D::high_sum(acc[r][2 * v + 1], acc[r][2 * v]);
      });
    });
  }
};

/// Codes: y = fma(fl(Σ (a − z)·w), s, y).
template <class D, int Rows, int Vectors>
[[gnu::flatten]] void int4_tile_u8(const Int4Panel& p, size_t row) noexcept {
  using V = typename D::V;
  using Sums = Int4Sums<D, Rows, Vectors>;
  const uint8_t* a = static_cast<const uint8_t*>(p.a) + row * p.a_stride;
  const size_t groups = p.groups();
  const int32_t* group_sums = p.group_sums + row * groups;
  Int4Stream<D, Vectors> stream{p.weights, p.short_scales};
  typename V::Float y[Rows][2 * Vectors];
  clear<V>(y);
  for (size_t k = 0; k < p.k;) {
    Sums sums(group_sums++, groups);
    const auto step = [&](int chain) __attribute__((always_inline)) {
      sums.add(chain, stream, a, p.a_stride);
      stream.next();
      a += Int4Layout::kStep;
    };
    const size_t end = k + minimum(p.group_size, p.k - k);
    constexpr size_t kAtOnce = Sums::kChains * Int4Layout::kStep;
    for (; Sums::kChains == 1 ? k < end : k + kAtOnce <= end; k += kAtOnce) {
      unroll<Sums::kChains>([&](auto chain) __attribute__((always_inline)) { step(chain); });
    }
    if constexpr (Sums::kChains > 1) {
      for (; k < end; k += Int4Layout::kStep) step(0);
    }
    k = end;
    sums.join();
    stream.template add_group<Rows>(
        [&](auto words, int r, int v) __attribute__((always_inline)) {
          return V::to_float(D::add_words(sums.acc[r][v], V::set(p.minus_zero_point[row + r]), words));
        },
        y);
  }
  int4_store<V, true>(p, row, y);
}

/// float32: t one chain over the group's k, y = fma(t, s, y).
template <class D, int Rows, int Vectors>
[[gnu::flatten]] void int4_tile_f32(const Int4Panel& p, size_t row) noexcept {
  using V = typename D::V;
  const float* a = static_cast<const float*>(p.a) + row * p.a_stride;
  Int4Stream<D, Vectors> stream{p.weights, p.short_scales};
  typename V::Float y[Rows][2 * Vectors];
  clear<V>(y);
  for (size_t k = 0; k < p.k;) {
    typename V::Float t[Rows][2 * Vectors];
    clear<V>(t);
    const auto one = [&](auto i) __attribute__((always_inline)) {
      typename V::Float weights[2 * Vectors];
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        const auto packed = stream.weights(v);
        weights[2 * v] = D::template low_weight<i>(packed);
        weights[2 * v + 1] = D::template high_weight<i>(packed);
      });
      unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        const auto x = V::set(a[r * p.a_stride + i]);
        unroll<2 * Vectors>([&](auto v) __attribute__((always_inline)) {
          t[r][v] = V::multiply_add(x, weights[v], t[r][v]);
        });
      });
    };
    const size_t end = k + minimum(p.group_size, p.k - k);
    for (; k + Int4Layout::kStep <= end; k += Int4Layout::kStep) {
      unroll<Int4Layout::kStep>(one);
      stream.next();
      a += Int4Layout::kStep;
    }
    if (k < end) {  // the last values of the last group: padding must not be added, nor the row read beyond
      unroll<Int4Layout::kStep>([&](auto i) __attribute__((always_inline)) {
        if (k + i < end) one(i);
      });
      stream.next();
      k = end;
    }
    stream.template add_group<Rows>(
        [&](auto, int r, int v) __attribute__((always_inline)) { return t[r][v]; }, y);
  }
  int4_store<V, false>(p, row, y);
}

/// Tile functions of these rows.
template <class D, int Vectors, int... Rows>
constexpr Int4TileFn kInt4TilesU8[sizeof...(Rows)] = {int4_tile_u8<D, Rows, Vectors>...};
template <class D, int Vectors, int... Rows>
constexpr Int4TileFn kInt4TilesF32[sizeof...(Rows)] = {int4_tile_f32<D, Rows, Vectors>...};

/// Int4Kernel::panel_*. tiles_of[vectors − 1][rows − 1]
template <class V, size_t MaxRows>
void int4_panel(const Int4Panel& p, const Int4TileFn* const* tiles_of) noexcept {
  run_tiles(p, tiles_of[vectors_for(p.columns, 2 * V::kLanes) - 1], MaxRows);
}

}  // namespace
}  // namespace requant::kernels
