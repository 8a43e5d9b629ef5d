// Roughly how long a product takes on one thread: good enough to decide whether to share it out.
#pragma once

#include "kernels/kernel.h"

namespace requant::gemm {

/// Nanoseconds for m rows: fixed + m · per_row.
struct Cost {
  double fixed = 0;
  double per_row = 0;

  double of(size_t rows) const noexcept { return fixed + static_cast<double>(rows) * per_row; }
};

inline Cost operator+(const Cost& a, const Cost& b) noexcept {
  return {a.fixed + b.fixed, a.per_row + b.per_row};
}

/// An instruction multiplies a vector of the layout; about three of them are done a nanosecond. A single row
/// is bound by reading the weights, which counts like two rows more.
inline Cost product_cost(const kernels::PanelLayout& layout, size_t k, size_t columns) noexcept {
  const double macs_per_ns = 3.0 * static_cast<double>(layout.lanes * layout.k_group);
  const double row = static_cast<double>(k) * static_cast<double>(columns) / macs_per_ns;
  return {2 * row, row};
}

}  // namespace requant::gemm
