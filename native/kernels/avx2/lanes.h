// Vector and tile sizes shared by the AVX2 kernels. Internal linkage: no symbol may leak into the baseline.
#pragma once

#include <immintrin.h>

#include "kernels/kernel.h"

namespace requant::kernels {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kVectors = 2;
constexpr size_t kColumns = kLanes * kVectors;
constexpr size_t kRows = 6;

constexpr size_t minimum(size_t a, size_t b) noexcept { return a < b ? a : b; }

/// All bits set in the first `count` lanes (all of them for count ≥ 8): the mask of maskload and maskstore.
__m256i first_lanes(size_t count) noexcept {
  const auto limit = static_cast<int32_t>(minimum(count, kLanes));
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(limit), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/// The low byte of each lane, in order, in the low 8 bytes.
uint64_t low_bytes(__m256i v) noexcept {
  const __m256i gather = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                          0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i bytes = _mm256_shuffle_epi8(v, gather);
  const auto low = static_cast<uint32_t>(_mm256_extract_epi32(bytes, 0));
  const auto high = static_cast<uint32_t>(_mm256_extract_epi32(bytes, 4));
  return low | static_cast<uint64_t>(high) << 32;
}

void store_low_bytes(uint8_t* out, __m256i v, size_t count) noexcept {
  const uint64_t bytes = low_bytes(v);
  if (count >= kLanes) {
    __builtin_memcpy(out, &bytes, kLanes);
  } else {
    __builtin_memcpy(out, &bytes, count);
  }
}

/// Rows in the next tile when `left` rows are split as evenly as tiles of kRows allow.
constexpr size_t tile_rows(size_t left) noexcept {
  const size_t tiles = (left + kRows - 1) / kRows;
  return (left + tiles - 1) / tiles;
}

}  // namespace
}  // namespace requant::kernels
