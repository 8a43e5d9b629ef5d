// How the tiles' loops keep the order they are written in.
#pragma once

namespace requant::kernels {
namespace {

/// Loads stay on their side of it. A full tile leaves one register for weights; clang would load more of them
/// ahead. g++ 12 keeps the order by itself, and spills where memory may have changed.
[[gnu::always_inline]] inline void hold_loads() noexcept {
#if defined(__clang__)
  asm volatile("" ::: "memory");
#endif
}

}  // namespace
}  // namespace requant::kernels
