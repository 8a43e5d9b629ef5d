// int8 register tiles for instruction sets whose dot product takes four u8 × s8 pairs a lane (vpdpbusd), over
// a policy D: `V`, the vector type; dot(acc, u8, s8); load(weights). Internal linkage, as in epilogue.h.
//
// A Depth says which k of a row one vector of broadcast activations holds: `kStep` of them, broadcast(a), and
// broadcast_tail(a, count) for the last ones.
#pragma once

#include "kernels/shared/tiles.h"

namespace requant::kernels {
namespace {

/// acc[first + r][v] += Σ over one step of k, for all rows and vectors; `a(r)` is the broadcast of row r.
template <class D, int Rows, int Vectors, int All, class Broadcast>
[[gnu::always_inline]] inline void dot_step(typename D::V::Int (&acc)[All][Vectors], int first,
                                            const int8_t* w, Broadcast a) noexcept {
  typename D::V::Int weights[Vectors];
  unroll<Vectors>([&](auto v)
                      __attribute__((always_inline)) { weights[v] = D::load(w + v * 4 * D::V::kLanes); });
  unroll<Rows>([&](auto r) __attribute__((always_inline)) {
    const auto x = a(r);
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      acc[first + r][v] = D::dot(acc[first + r][v], x, weights[v]);
    });
  });
}

/// sums[r][v] += Σ over k.
template <class D, class Depth, int Rows, int Vectors>
[[gnu::always_inline]] inline void accumulate(const QGemmPanel& p, size_t row,
                                              typename D::V::Int (&sums)[Rows][Vectors]) noexcept {
  using V = typename D::V;
  constexpr int kChains = chains_for(Rows * Vectors);
  const uint8_t* a = p.a + row * p.a_stride;
  const int8_t* w = p.weights;
  typename V::Int acc[kChains * Rows][Vectors];
  unroll<kChains * Rows>([&](auto i) __attribute__((always_inline)) {
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      acc[i][v] = i < Rows ? sums[i < Rows ? i : 0][v] : V::set(0);
    });
  });
  const auto step = [&](int chain, auto broadcast) __attribute__((always_inline)) {
    dot_step<D, Rows>(acc, chain * Rows, w,
                      [&](int r) __attribute__((always_inline)) { return broadcast(a + r * p.a_stride); });
    w += Vectors * 4 * V::kLanes;
    a += Depth::kStep;
  };
  const auto whole = [](const uint8_t* from)
                         __attribute__((always_inline)) { return Depth::broadcast(from); };
  size_t k = p.k;
  for (; k >= Depth::kStep * kChains; k -= Depth::kStep * kChains) {
    unroll<kChains>([&](auto chain) __attribute__((always_inline)) { step(chain, whole); });
  }
  if constexpr (kChains > 1) {
    for (; k >= Depth::kStep; k -= Depth::kStep) step(0, whole);
  }
  if (k > 0) {
    step(0,
         [&](const uint8_t* from) __attribute__((always_inline)) { return Depth::broadcast_tail(from, k); });
  }
  unroll<Rows>([&](auto r) __attribute__((always_inline)) {
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      sums[r][v] = acc[r][v];
      unroll<kChains - 1>([&](auto chain) __attribute__((always_inline)) {
        sums[r][v] = V::add(sums[r][v], acc[(chain + 1) * Rows + r][v]);
      });
    });
  });
}

template <class D, class Depth, int Rows, int Vectors>
[[gnu::flatten]] void qtile(const QGemmPanel& p, size_t row) noexcept {
  using V = typename D::V;
  const Bias<V, Vectors> bias(p);
  typename V::Int acc[Rows][Vectors];
  unroll<Rows>([&](auto r) __attribute__((always_inline)) {
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) { acc[r][v] = bias.of[v]; });
  });
  accumulate<D, Depth>(p, row, acc);
  Tile<V, Rows, Vectors>{p, row, acc}.finish();
}

/// Four k of a row, in every lane.
template <class V>
struct FourDeep {
  static constexpr size_t kStep = 4;

  static typename V::Int broadcast(const uint8_t* a) noexcept {
    int32_t four;
    __builtin_memcpy(&four, a, 4);
    return V::set(four);
  }
  /// The last 1–3 values of a row, padded with zeros: reading four could leave the buffer.
  static typename V::Int broadcast_tail(const uint8_t* a, size_t count) noexcept {
    uint32_t four = a[0];
    if (count > 1) four |= static_cast<uint32_t>(a[1]) << 8;
    if (count > 2) four |= static_cast<uint32_t>(a[2]) << 16;
    return V::set(static_cast<int32_t>(four));
  }
};

/// Tile functions by rows.
template <class D, class Depth, int Vectors>
constexpr QTileFn kTiles[6] = {qtile<D, Depth, 1, Vectors>, qtile<D, Depth, 2, Vectors>,
                               qtile<D, Depth, 3, Vectors>, qtile<D, Depth, 4, Vectors>,
                               qtile<D, Depth, 5, Vectors>, qtile<D, Depth, 6, Vectors>};

}  // namespace
}  // namespace requant::kernels
