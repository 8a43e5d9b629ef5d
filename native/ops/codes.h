// Borrowed int8 or uint8 arrays, and the argument checks that every operator on them shares.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"
#include "gemm/column_params.h"

namespace requant::ops {

struct CodeRangeOf {
  int32_t lo, hi;
};

constexpr CodeRangeOf range_of(bool is_unsigned) noexcept {
  return is_unsigned ? CodeRangeOf{0, 255} : CodeRangeOf{-128, 127};
}

/// int8 or uint8 values in memory of somebody else.
struct ConstCodes {
  const uint8_t* data = nullptr;
  size_t size = 0;
  bool is_unsigned = true;
};

struct Codes {
  uint8_t* data = nullptr;
  size_t size = 0;
  bool is_unsigned = true;
};

Status check_zero_point(const char* name, double value, bool is_unsigned);
Status check_length(const char* name, size_t length, size_t expected);
Status check_scale(const char* name, float scale);

/// Lengths, multiplier and shift ranges, zero point and bounds of a requantization to `is_unsigned` codes.
/// `columns` 0: any length is a number of columns, as long as multiplier and shift agree.
Status check_requantize(const gemm::RequantizeSpec& spec, bool is_unsigned, size_t columns);

/// Shape and zero points of weights held in `size` elements.
Status check_weights(const gemm::WeightSource& source, size_t size);

}  // namespace requant::ops
