// The first few bytes of a vector: loads and stores that touch nothing behind them.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace requant::kernels {
namespace {

template <class T>
[[gnu::always_inline]] inline T read(const uint8_t* from) noexcept {
  T value;
  __builtin_memcpy(&value, from, sizeof(T));
  return value;
}

/// The first 1–15 bytes, then zeros: two reads of one size that overlap, the second shifted into its place.
[[gnu::always_inline]] inline uint8x16_t load_first(const uint8_t* from, size_t count) noexcept {
  uint64_t low = 0;
  uint64_t high = 0;
  if (count >= 8) {
    low = read<uint64_t>(from);
    // A shift by 64 (count = 8) is cut in two.
    high = read<uint64_t>(from + count - 8) >> 8 >> (8 * (15 - count));
  } else if (count >= 4) {
    low = read<uint32_t>(from) | uint64_t{read<uint32_t>(from + count - 4)} << (8 * (count - 4));
  } else {
    low = from[0];
    if (count > 1) low |= uint64_t{read<uint16_t>(from + count - 2)} << (8 * (count - 2));
  }
  return vcombine_u8(vcreate_u8(low), vcreate_u8(high));
}

/// The first `count` < 16 bytes, in pieces of 8, 4, 2, 1.
[[gnu::always_inline]] inline void store_first(uint8_t* to, uint8x16_t bytes, size_t count) noexcept {
  uint8x8_t rest = vget_low_u8(bytes);
  if ((count & 8) != 0) {
    vst1_u8(to, rest);
    to += 8;
    rest = vget_high_u8(bytes);
  }
  if ((count & 4) != 0) {
    vst1_lane_u32(reinterpret_cast<uint32_t*>(to), vreinterpret_u32_u8(rest), 0);
    to += 4;
    rest = vext_u8(rest, rest, 4);
  }
  if ((count & 2) != 0) {
    vst1_lane_u16(reinterpret_cast<uint16_t*>(to), vreinterpret_u16_u8(rest), 0);
    to += 2;
    rest = vext_u8(rest, rest, 2);
  }
  if ((count & 1) != 0) vst1_lane_u8(to, rest, 0);
}

}  // namespace
}  // namespace requant::kernels
