// Vector and tile sizes shared by the AVX-512 kernels. Internal linkage: no symbol may leak into the baseline.
#pragma once

#include <immintrin.h>

#include "kernels/kernel.h"

namespace requant::kernels {
namespace {

constexpr size_t kLanes = 16;
constexpr size_t kVectors = 4;
constexpr size_t kColumns = kLanes * kVectors;
constexpr size_t kRows = 6;

constexpr size_t minimum(size_t a, size_t b) noexcept { return a < b ? a : b; }
constexpr __mmask16 first_lanes(size_t count) noexcept {
  return count >= kLanes ? static_cast<__mmask16>(0xFFFF) : static_cast<__mmask16>((1U << count) - 1);
}


/// Rows in the next tile when `left` rows are split as evenly as tiles of kRows allow.
constexpr size_t tile_rows(size_t left) noexcept {
  const size_t tiles = (left + kRows - 1) / kRows;
  return (left + tiles - 1) / tiles;
}

}  // namespace
}  // namespace requant::kernels
