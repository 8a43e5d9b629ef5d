// int32 arithmetic modulo 2^32, and the conversions from float every rounding is built on.
#pragma once

#include <bit>
#include <cstdint>

namespace requant::arith {

constexpr int32_t wrap_add(int32_t a, int32_t b) noexcept {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}
constexpr int32_t wrap_sub(int32_t a, int32_t b) noexcept {
  return static_cast<int32_t>(static_cast<uint32_t>(a) - static_cast<uint32_t>(b));
}
constexpr int32_t wrap_mul(int32_t a, int32_t b) noexcept {
  return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
}

template <class T>
constexpr T clamp(T value, T lo, T hi) noexcept {
  const T raised = value < lo ? lo : value;
  return raised > hi ? hi : raised;
}

/// Round half to even of a float64 below 2^51 in magnitude: adding 1.5·2^52 leaves no room for a fraction.
/// volatile-free because the build forbids unsafe math; assumes the default rounding mode.
constexpr double round_half_even(double value) noexcept {
  constexpr double kShifter = 0x1.8p52;
  return (value + kShifter) - kShifter;
}

/// Exact floor((product + 2^(shift−1)) / 2^shift) for |product| < 2^62 and shift in [1, 63].
constexpr int64_t shift_half_up(int64_t product, int shift) noexcept {
  return (product + (int64_t{1} << (shift - 1))) >> shift;
}

}  // namespace requant::arith
