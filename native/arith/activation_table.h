// The 256-entry table of an activation between two int8 values, all in float64:
//   table[q] = clamp(rne(f(s_pre · (q − z_pre)) / s_out) + z_out)
#pragma once

#include <array>
#include <cstdint>

#include "arith/elementwise.h"
#include "arith/requantize.h"

namespace requant::arith {

struct TableGrid {
  double scale;
  CodeRange range;  // zero point and the code range: [0, 255] or [−128, 127]
};

/// Entry i belongs to the input code in.range.lo + i; entries are bytes of the output's type.
inline std::array<uint8_t, 256> activation_table(Elementwise function, ElementwiseParams params,
                                                 const TableGrid& in, const TableGrid& out) noexcept {
  std::array<uint8_t, 256> table{};
  for (int i = 0; i < 256; ++i) {
    const double x = in.scale * static_cast<double>(in.range.lo + i - in.range.zero_point);
    const double steps = apply64(function, params, x) / out.scale;
    const double code = clamp(steps, static_cast<double>(out.range.lo - out.range.zero_point),
                              static_cast<double>(out.range.hi - out.range.zero_point));
    table[static_cast<size_t>(i)] =
        static_cast<uint8_t>(static_cast<int32_t>(round_half_even(code)) + out.range.zero_point);
  }
  return table;
}

}  // namespace requant::arith
