// The kernels this binary holds, best first, and the one in use.
#pragma once

#include <span>
#include <string_view>

#include "base/status.h"
#include "kernels/kernel.h"

namespace requant::dispatch {

struct Kernel {
  const char* name;
  uint32_t required_features;
  const kernels::KernelSet* set;
};

/// Every kernel compiled in, in order of preference; the last one runs everywhere.
std::span<const Kernel> compiled_kernels() noexcept;

bool runs_here(const Kernel& kernel) noexcept;

/// The best kernel this CPU runs, or the one REQUANT_KERNEL names. A name that is unknown or that this CPU
/// does not run is Code::kernel, and the message lists what there is. Decided at the first call.
Result<const Kernel*> active_kernel();

/// The same decision for a given name (empty: the best one).
Result<const Kernel*> select_kernel(std::string_view name);

/// The best of a kernel's table lookups that this CPU runs.
kernels::LookupFn lookup_of(const kernels::KernelSet& set) noexcept;

/// A kernel's product with sparse panels where this CPU runs it, or null.
kernels::QGemmPanelFn sparse_panel_of(const kernels::QGemmKernel& kernel) noexcept;

}  // namespace requant::dispatch
