// What this CPU and its operating system support, read once: on x86 by cpuid and xgetbv, which unlike
// __builtin_cpu_supports links into a shared library everywhere; on arm64 by asking the operating system.
#pragma once

#include <cstdint>

namespace requant::dispatch {

enum Feature : uint32_t {
  kAvx2 = 1U << 0,  // with OS support for ymm state
  kFma = 1U << 1,
  kAvx512 = 1U << 2,  // F, BW, DQ and VL, with OS support for zmm and mask state
  kAvx512Vnni = 1U << 3,
  kAvxVnni = 1U << 4,
  kAvx512Vbmi = 1U << 5,
  kDotprod = 1U << 6,
  kI8mm = 1U << 7,
};

/// The features present, as a bit set of Feature.
uint32_t cpu_features() noexcept;

struct FeatureName {
  Feature bit;
  const char* name;
};

inline constexpr FeatureName kFeatureNames[] = {{kAvx2, "avx2"},
                                                {kFma, "fma"},
                                                {kAvx512, "avx512f+bw+dq+vl"},
                                                {kAvx512Vnni, "avx512vnni"},
                                                {kAvxVnni, "avxvnni"},
                                                {kAvx512Vbmi, "avx512vbmi"},
                                                {kDotprod, "dotprod"},
                                                {kI8mm, "i8mm"}};

}  // namespace requant::dispatch
