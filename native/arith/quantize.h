// float32 ↔ codes: the scalar definition (ONNX QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear).
//   real = scale · (code − zeroPoint)
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "arith/integer.h"
#include "arith/requantize.h"

namespace requant::arith {

inline constexpr float kMinScale = 0x1p-100F;
inline constexpr float kMaxScale = 0x1p126F;

constexpr bool valid_scale(float scale) noexcept { return scale >= kMinScale && scale <= kMaxScale; }

/// z + cvt(min(max(fl(x/s), lo − z), hi − z)); NaN gives z (the caller reports it).
inline int32_t quantize(float x, float scale, const CodeRange& y) noexcept {
  if (x != x) return y.zero_point;
  const float clamped =
      clamp(x / scale, static_cast<float>(y.lo - y.zero_point), static_cast<float>(y.hi - y.zero_point));
  return static_cast<int32_t>(round_half_even(static_cast<double>(clamped))) + y.zero_point;
}

/// fl(s · fl(q − z)); q − z is exact in float64 for any int32 pair.
inline float dequantize(int32_t code, float scale, int32_t zero_point) noexcept {
  const auto difference = static_cast<float>(static_cast<double>(code) - static_cast<double>(zero_point));
  return scale * difference;
}

struct DynamicParams {
  float scale = 1.0F;
  int32_t zero_point = 0;
};

/// uint8 parameters of a range that includes 0 (min ≤ 0 ≤ max, both finite).
inline DynamicParams dynamic_params(float min, float max) noexcept {
  const float width = max - min;
  const float scale =
      width <= std::numeric_limits<float>::max() ? width / 255.0F : max / 255.0F - min / 255.0F;
  if (scale < kMinScale) return {};
  const float zero = clamp(0.0F - min / scale, 0.0F, 255.0F);
  return {scale, static_cast<int32_t>(round_half_even(static_cast<double>(zero)))};
}

struct FiniteRange {
  float min = 0.0F;
  float max = 0.0F;
};

/// Smallest range that holds 0 and every finite value; NaN and ±Infinity do not count. In lanes, which a
/// compiler keeps in vectors: minima and maxima do not depend on the order (−0 never counts, 0 is there
/// first).
inline FiniteRange finite_range(const float* x, size_t count) noexcept {
  constexpr size_t kLanes = 16;
  float min[kLanes] = {};
  float max[kLanes] = {};
  const auto add = [&](size_t lane, float v) {
    const float magnitude = v < 0 ? -v : v;
    const float value = magnitude <= std::numeric_limits<float>::max() ? v : 0.0F;
    min[lane] = value < min[lane] ? value : min[lane];
    max[lane] = value > max[lane] ? value : max[lane];
  };
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) add(lane, x[i + lane]);
  }
  for (; i < count; ++i) add(0, x[i]);
  FiniteRange range;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    range.min = min[lane] < range.min ? min[lane] : range.min;
    range.max = max[lane] > range.max ? max[lane] : range.max;
  }
  return range;
}

}  // namespace requant::arith
