// Loops over the registers of a tile, unrolled by the front end: only indices that are constants from the
// start let g++ 12 keep an array of vectors in registers. Functions that use this are marked
// [[gnu::flatten]].
#pragma once

#include <utility>

namespace requant::kernels {
namespace {

template <int I>
struct Index {
  static constexpr int value = I;
  constexpr operator int() const noexcept { return I; }
};

template <class Body, int... I>
[[gnu::always_inline]] inline void unroll(std::integer_sequence<int, I...>, Body&& body) noexcept {
  (body(Index<I>{}), ...);
}

/// body(0), …, body(Count − 1)
template <int Count, class Body>
[[gnu::always_inline]] inline void unroll(Body&& body) noexcept {
  unroll(std::make_integer_sequence<int, Count>{}, body);
}

}  // namespace
}  // namespace requant::kernels
