#include "dispatch/registry.h"

#include <cstdlib>

#include "dispatch/cpu_features.h"

namespace requant::dispatch {
namespace {

#if defined(__x86_64__)
/// The products of AVX-VNNI, everything else of AVX2: the same instructions, once in a binary.
const kernels::KernelSet& avxvnni_on_avx2() noexcept {
  static const kernels::Int4Kernel int4{requant_kernels_avxvnni.int4->layout,
                                        requant_kernels_avxvnni.int4->panel_u8,
                                        requant_kernels_avx2.int4->panel_f32};
  static const kernels::KernelSet set = [] {
    kernels::KernelSet filled = requant_kernels_avxvnni;
    filled.int4 = &int4;
    filled.sgemm = requant_kernels_avx2.sgemm;
    filled.vector = requant_kernels_avx2.vector;
    filled.integer = requant_kernels_avx2.integer;
    return filled;
  }();
  return set;
}
#endif

std::string available_names() {
  std::string names;
  for (const Kernel& kernel : compiled_kernels()) {
    if (!runs_here(kernel)) continue;
    if (!names.empty()) names += ", ";
    names += kernel.name;
  }
  return names;
}

}  // namespace

std::span<const Kernel> compiled_kernels() noexcept {
  static const Kernel kernels[] = {
#if defined(__x86_64__)
      {"avx512vnni", kAvx2 | kFma | kAvx512 | kAvx512Vnni, &requant_kernels_avx512vnni},
      {"avxvnni", kAvx2 | kFma | kAvxVnni, &avxvnni_on_avx2()},
      {"avx2", kAvx2 | kFma, &requant_kernels_avx2},
#elif defined(__aarch64__)
      {"neon-i8mm", kDotprod | kI8mm, &requant_kernels_neon_i8mm},
      {"neon-dotprod", kDotprod, &requant_kernels_neon_dotprod},
#endif
      {"scalar", 0, &requant_kernels_scalar},
  };
  return kernels;
}

bool runs_here(const Kernel& kernel) noexcept { return (kernel.required_features & ~cpu_features()) == 0; }

Result<const Kernel*> select_kernel(std::string_view name) {
  for (const Kernel& kernel : compiled_kernels()) {
    if (runs_here(kernel) && (name.empty() || name == kernel.name)) return &kernel;
  }
  return Status(Code::kernel, "expected REQUANT_KERNEL to be one of " + available_names() +
                                  " (what this CPU runs) but received '" + std::string(name) + "'");
}

kernels::LookupFn lookup_of(const kernels::KernelSet& set) noexcept {
  const kernels::VectorKernel& vector = *set.vector;
  const bool vbmi = vector.lookup_vbmi != nullptr && (cpu_features() & kAvx512Vbmi) != 0;
  return vbmi ? vector.lookup_vbmi : vector.lookup;
}

kernels::QGemmPanelFn sparse_panel_of(const kernels::QGemmKernel& kernel) noexcept {
  return (cpu_features() & kAvx512Vbmi) != 0 ? kernel.sparse_panel : nullptr;
}

Result<const Kernel*> active_kernel() {
  static const Result<const Kernel*> active = [] {
    const char* forced = std::getenv("REQUANT_KERNEL");
    return select_kernel(forced != nullptr ? forced : "");
  }();
  return active;
}

}  // namespace requant::dispatch
