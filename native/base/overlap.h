// Whether two stretches of memory share a byte.
#pragma once

#include <cstddef>
#include <cstdint>

namespace requant {

inline bool overlap(const void* a, size_t a_bytes, const void* b, size_t b_bytes) noexcept {
  const auto x = reinterpret_cast<uintptr_t>(a);
  const auto y = reinterpret_cast<uintptr_t>(b);
  return a_bytes != 0 && b_bytes != 0 && x < y + b_bytes && y < x + a_bytes;
}

}  // namespace requant
