#include "dispatch/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__aarch64__) && defined(_WIN32)
#include <windows.h>
#endif

namespace requant::dispatch {
namespace {

#if defined(__x86_64__)

constexpr bool bit(uint32_t word, int index) noexcept { return ((word >> index) & 1U) != 0; }

/// XCR0: which register state the operating system saves. Only to be read where cpuid says OSXSAVE.
uint64_t saved_state() noexcept {
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

uint32_t detect() noexcept {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return 0;
  const bool fma = bit(c, 12);
  if (!bit(c, 27)) return 0;  // no OSXSAVE
  const uint64_t state = saved_state();
  const bool ymm = (state & 0x6) == 0x6;
  const bool zmm = (state & 0xE6) == 0xE6;
  if (!ymm || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return 0;

  uint32_t features = 0;
  if (bit(b, 5)) features |= kAvx2;
  if (fma) features |= kFma;
  if (zmm && bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31)) {
    features |= kAvx512;
    if (bit(c, 11)) features |= kAvx512Vnni;
    if (bit(c, 1)) features |= kAvx512Vbmi;
  }
  if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && bit(a, 4)) features |= kAvxVnni;
  return features;
}

#elif defined(__aarch64__) && defined(__linux__)

uint32_t detect() noexcept {
  constexpr unsigned long kAsimdDp = 1UL << 20;     // HWCAP_ASIMDDP
  constexpr unsigned long kInt8Matmul = 1UL << 13;  // HWCAP2_I8MM, which older headers lack
  uint32_t features = 0;
  if ((getauxval(AT_HWCAP) & kAsimdDp) != 0) features |= kDotprod;
  if ((getauxval(AT_HWCAP2) & kInt8Matmul) != 0) features |= kI8mm;
  return features;
}

#elif defined(__aarch64__) && defined(__APPLE__)

bool has(const char* name) noexcept {
  int value = 0;
  size_t size = sizeof(value);
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
}

uint32_t detect() noexcept {
  uint32_t features = 0;
  if (has("hw.optional.arm.FEAT_DotProd")) features |= kDotprod;
  if (has("hw.optional.arm.FEAT_I8MM")) features |= kI8mm;
  return features;
}

#elif defined(__aarch64__) && defined(_WIN32)

uint32_t detect() noexcept {
  constexpr DWORD kArmV82Dp = 43;    // PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE
  constexpr DWORD kArmV82I8mm = 66;  // PF_ARM_V82_I8MM_INSTRUCTIONS_AVAILABLE, which older headers lack
  uint32_t features = 0;
  if (IsProcessorFeaturePresent(kArmV82Dp) != 0) features |= kDotprod;
  if (IsProcessorFeaturePresent(kArmV82I8mm) != 0) features |= kI8mm;
  return features;
}

#else

uint32_t detect() noexcept { return 0; }

#endif

}  // namespace

uint32_t cpu_features() noexcept {
  static const uint32_t features = detect();
  return features;
}

}  // namespace requant::dispatch
