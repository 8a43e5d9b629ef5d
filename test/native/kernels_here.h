// What the test programs share: the kernels that this CPU runs, and comparison of bits.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "dispatch/registry.h"
#include "extra_kernels.h"

namespace requant::test {

/// Compiled in (or extra) and supported by this CPU. The others are named on stdout, once.
inline const std::vector<const dispatch::Kernel*>& kernels_here() {
  static const std::vector<const dispatch::Kernel*> here = [] {
    std::vector<const dispatch::Kernel*> kernels;
    for (const dispatch::Kernel* kernel : all_kernels()) {
      if (dispatch::runs_here(*kernel)) {
        kernels.push_back(kernel);
      } else {
        std::printf("skip %s: this CPU does not run it\n", kernel->name);
      }
    }
    return kernels;
  }();
  return here;
}

/// The same bits, or NaN both (the sign and payload of a NaN are the hardware's).
inline bool same_float(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (a != a && b != b);
}

inline bool same_float(const float* a, const float* b, size_t count) {
  if (count == 0 || std::memcmp(a, b, count * sizeof(float)) == 0) return true;
  for (size_t i = 0; i < count; ++i) {
    if (!same_float(a[i], b[i])) return false;
  }
  return true;
}

}  // namespace requant::test
