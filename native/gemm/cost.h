// Roughly how long a product takes on one thread: good enough to decide whether to share it out.
#pragma once

#include "kernels/kernel.h"

namespace requant::gemm {

/// What sharing a product costs: posting, being found, fetching what another core wrote, joining. Measured
/// 400 to 2500 ns, by how far apart the cores are; counted high, since sharing must not make a call slower.
inline constexpr double kShareNs = 2000;

/// Nanoseconds for m rows: m · per_row, at least `floor`.
struct Cost {
  double floor = 0;
  double per_row = 0;

  double of(size_t rows) const noexcept {
    const double ns = static_cast<double>(rows) * per_row;
    return ns > floor ? ns : floor;
  }
};

inline Cost operator+(const Cost& a, const Cost& b) noexcept {
  return {a.floor + b.floor, a.per_row + b.per_row};
}

/// An instruction multiplies a vector of the layout; about three of them are done a nanosecond. One or two
/// rows are bound by reading the weights.
inline Cost product_cost(const kernels::PanelLayout& layout, size_t k, size_t columns) noexcept {
  const double macs_per_ns = 3.0 * static_cast<double>(layout.lanes * layout.k_group);
  const double row = static_cast<double>(k) * static_cast<double>(columns) / macs_per_ns;
  return {2.2 * row, row};
}

}  // namespace requant::gemm
