// A floating grid: the numbers that a float8 format has, scaled.
#pragma once

#include <cstdint>

namespace requant {

/// The numbers ± q·denominator / numerator, q = j·2^(e − mantissa) ≤ limit, with integers j < 2^(mantissa+1)
/// and e ≥ min_exponent. M bits of mantissa, E of exponent:
///
///   largest number c:            numerator = limit = 2^(M+1) − 1, denominator = c, min_exponent = M + 2 −
///   2^E a storage format, scale s:   numerator = 1, denominator = s, limit = 448 (E4M3FN), 57344 (E5M2)
struct FloatGrid {
  int32_t mantissa = 0;
  int32_t min_exponent = 0;
  double limit = 0;
  double numerator = 1;
  double denominator = 1;
};

}  // namespace requant
