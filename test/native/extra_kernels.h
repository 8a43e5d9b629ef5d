// Kernels that only tests and benchmarks see, beside those of dispatch/registry.h.
#pragma once

#include <vector>

#include "dispatch/cpu_features.h"
#include "dispatch/registry.h"

#if defined(__x86_64__)
extern "C" const requant::kernels::KernelSet requant_kernels_avxvnni_evex;
#endif

namespace requant::test {

/// Compiled kernels and the extra ones.
inline std::vector<const dispatch::Kernel*> all_kernels() {
  std::vector<const dispatch::Kernel*> all;
  for (const dispatch::Kernel& kernel : dispatch::compiled_kernels()) all.push_back(&kernel);
#if defined(__x86_64__)
  using namespace dispatch;
  static const Kernel evex{"avxvnni-evex", kAvx2 | kFma | kAvx512 | kAvx512Vnni,
                           &requant_kernels_avxvnni_evex};
  all.push_back(&evex);
#endif
  return all;
}

}  // namespace requant::test
