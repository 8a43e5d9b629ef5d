// The tie corpus of docs/numerics.md: multipliers that can tie, and the accumulators at which roundings
// differ.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/kernel.h"

namespace requant::test {

struct Multiplier {
  int32_t m, s;
};

/// odd · 2^t in [2^30, 2^31).
constexpr int32_t normalized(int32_t odd) {
  int64_t m = odd;
  while (m < (int64_t{1} << 30)) m *= 2;
  return static_cast<int32_t>(m);
}

/// Mantissas of 1, 3/8, 5/8, 7/8, the odd parts around 509 (the last one that can tie inside a byte), 23
/// bits, all 31 bits, and 0.
inline std::vector<int32_t> corpus_mantissas() {
  return {normalized(1),
          normalized(3),
          normalized(5),
          normalized(7),
          normalized(127),
          normalized(255),
          normalized(507),
          normalized(509),
          normalized(511),
          normalized(1023),
          1073741951,
          1610612749,
          INT32_MAX,
          (1 << 30) + 1,
          (1 << 30) + (1 << 7),
          2147483520,
          0};
}

inline std::vector<Multiplier> corpus_multipliers(int32_t s_from = 25) {
  std::vector<Multiplier> all;
  for (int32_t s = s_from; s <= 63; ++s) {
    for (const int32_t m : corpus_mantissas()) all.push_back({m, s});
  }
  return all;
}

/// Accumulators for M = m · 2^−s: at and around n + ½ for n in [−260, 260] (ties, and every edge of every
/// clamp), powers of two ± 1, the ends of int32. The same number for every M.
inline std::vector<int32_t> corpus_accumulators(const Multiplier& multiplier) {
  std::vector<int32_t> all;
  const auto add = [&](__int128 acc) {
    all.push_back(static_cast<int32_t>(std::clamp<__int128>(acc, INT32_MIN, INT32_MAX)));
  };
  for (int n = -260; n <= 260; ++n) {
    const __int128 numerator =
        static_cast<__int128>(2 * n + 1) * (static_cast<__int128>(1) << (multiplier.s - 1));
    const __int128 acc = multiplier.m == 0 ? n : numerator / multiplier.m;
    for (int step = -1; step <= 1; ++step) add(acc + step);
  }
  for (int bits = 0; bits <= 31; ++bits) {
    for (int step = -1; step <= 1; ++step) {
      add((static_cast<__int128>(1) << bits) + step);
      add(-(static_cast<__int128>(1) << bits) + step);
    }
  }
  return all;
}

/// Where codes go: zero point and clamp.
struct OutputGrid {
  int32_t zero_point, lo, hi;
};

/// uint8 and int8; zero points at the ends and inside; clamps full, narrowed, ReLU-like, empty but for one
/// code.
inline constexpr OutputGrid kOutputGrids[] = {
    {0, 0, 255},    {255, 0, 255},   {128, 0, 255}, {77, 0, 255},      {77, 77, 255},    {10, 3, 200},
    {0, 0, 0},      {255, 255, 255}, {200, 0, 40},  {-128, -128, 127}, {127, -128, 127}, {0, -128, 127},
    {0, -127, 127}, {-7, -7, 127},   {5, 5, 90},    {-128, 127, 127},  {-100, -3, 4}};

inline constexpr kernels::Rounding kRoundings[] = {kernels::Rounding::half_up, kernels::Rounding::half_even,
                                                   kernels::Rounding::gemmlowp, kernels::Rounding::float32};

constexpr const char* name_of(kernels::Rounding rounding) {
  switch (rounding) {
    case kernels::Rounding::half_up:
      return "half_up";
    case kernels::Rounding::half_even:
      return "half_even";
    case kernels::Rounding::gemmlowp:
      return "gemmlowp";
    case kernels::Rounding::float32:
      return "float32";
  }
  return "?";
}

}  // namespace requant::test
