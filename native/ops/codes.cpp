#include "ops/codes.h"

#include <limits>

#include "arith/quantize.h"
#include "arith/requantize.h"

namespace requant::ops {

Status check_zero_point(const char* name, double value, bool is_unsigned) {
  const CodeRangeOf range = range_of(is_unsigned);
  if (value >= range.lo && value <= range.hi) return {};
  return {Code::argument, std::string("expected ") + name + " to be an integer in [" +
                              std::to_string(range.lo) + ", " + std::to_string(range.hi) + "] but received " +
                              std::to_string(value)};
}

Status check_length(const char* name, size_t length, size_t expected) {
  if (length == expected) return {};
  return {Code::shape, std::string("expected ") + name + " of length " + std::to_string(expected) +
                           " but received " + std::to_string(length)};
}

Status check_scale(const char* name, float scale) {
  if (arith::valid_scale(scale)) return {};
  return {Code::argument,
          std::string("expected ") + name + " in [2^-100, 2^126] but received " + std::to_string(scale)};
}

namespace {

Status check_float_multipliers(std::span<const float> multipliers) {
  for (const float m : multipliers) {
    if (m >= 0 && m <= std::numeric_limits<float>::max()) continue;
    return {Code::argument,
            "expected requantize.scale finite and not negative but received " + std::to_string(m)};
  }
  return {};
}

Status check_fixed_multipliers(const gemm::RequantizeSpec& spec) {
  const size_t length = spec.multiplier.size();
  if (Status s = check_length("requantize.shift", spec.shift.size(), length); !s.ok()) return s;
  for (size_t i = 0; i < length; ++i) {
    if (arith::valid_multiplier(spec.multiplier[i], spec.shift[i])) continue;
    return {Code::argument, "expected multiplier 0 or in [2^30, 2^31) and shift in [25, 63] but received " +
                                std::to_string(spec.multiplier[i]) + " and " + std::to_string(spec.shift[i]) +
                                " at index " + std::to_string(i)};
  }
  return {};
}

}  // namespace

Status check_requantize(const gemm::RequantizeSpec& spec, bool is_unsigned, size_t columns) {
  const size_t length = spec.length();
  if (length == 0 || (length != 1 && columns != 0 && length != columns)) {
    return {Code::shape, std::string("expected requantize.") + (spec.by_scale() ? "scale" : "multiplier") +
                             " of length 1 or " + std::to_string(columns) + " but received " +
                             std::to_string(length)};
  }
  if (Status s = spec.by_scale() ? check_float_multipliers(spec.scale) : check_fixed_multipliers(spec);
      !s.ok()) {
    return s;
  }
  if (Status s = check_zero_point("requantize.zeroPoint", spec.zero_point, is_unsigned); !s.ok()) return s;
  if (Status s = check_zero_point("requantize.min", spec.lo, is_unsigned); !s.ok()) return s;
  if (Status s = check_zero_point("requantize.max", spec.hi, is_unsigned); !s.ok()) return s;
  if (spec.lo <= spec.hi) return {};
  return {Code::argument, "expected requantize.min ≤ requantize.max but received " + std::to_string(spec.lo) +
                              " and " + std::to_string(spec.hi)};
}

Status check_weights(const gemm::WeightSource& source, size_t size) {
  const size_t out = source.out_features;
  const size_t in = source.in_features;
  if (out == 0 || in == 0 || size % in != 0 || size / in != out) {
    return {Code::shape, "expected weights of shape [" + std::to_string(out) + ", " + std::to_string(in) +
                             "], at least 1 × 1, but received " + std::to_string(size) + " values"};
  }
  const size_t zero_points = source.zero_point.size();
  if (zero_points > 1 && zero_points != out) {
    return {Code::shape, "expected weight zero points of length 1 or " + std::to_string(out) +
                             " but received " + std::to_string(zero_points)};
  }
  for (const int32_t zero_point : source.zero_point) {
    if (Status s = check_zero_point("a weight zero point", zero_point, source.is_unsigned); !s.ok()) return s;
  }
  return {};
}

}  // namespace requant::ops
