// Selection of kernels: preference, names, and the error that lists them.
//   dispatch_test [KERNEL]: KERNEL must be what this CPU gets
#include "dispatch/registry.h"

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "check.h"
#include "dispatch/cpu_features.h"

namespace {

using namespace requant;
using dispatch::select_kernel;
using test::check;
using test::run_case;

/// Compiled in and supported; the tests' extra kernels are not dispatch's.
std::vector<const dispatch::Kernel*> available() {
  std::vector<const dispatch::Kernel*> kernels;
  for (const dispatch::Kernel& kernel : dispatch::compiled_kernels()) {
    if (dispatch::runs_here(kernel)) kernels.push_back(&kernel);
  }
  return kernels;
}

void preference() {
  const auto compiled = dispatch::compiled_kernels();
  check(!compiled.empty(), "at least one kernel");
  check(compiled.back().name == std::string_view("scalar") && compiled.back().required_features == 0,
        "the last one runs everywhere");
  const auto here = available();
  const auto best = select_kernel("");
  check(best.ok() && best.value == here.front(), "the first available one is selected");
  std::set<std::string> names;
  std::set<const kernels::KernelSet*> sets;
  for (const dispatch::Kernel& kernel : compiled) {
    check(names.insert(kernel.name).second, "names differ");
    check(sets.insert(kernel.set).second, "tables differ");
    const kernels::KernelSet& set = *kernel.set;
    check(set.qgemm != nullptr && set.sgemm != nullptr && set.vector != nullptr, kernel.name);
    check(kernels::kColumnPad % set.qgemm->layout.wide.lanes == 0 &&
              kernels::kColumnPad % set.sgemm->layout.lanes == 0,
          "column padding covers whole vectors");
    check(set.sgemm->layout.k_group == 1, "float chains take one k at a time");
  }
}

void expected_here(const char* name) {
  const auto best = select_kernel("");
  check(best.ok() && best.value->name == std::string_view(name), best.value->name);
}

void names() {
  for (const dispatch::Kernel* kernel : available()) {
    const auto selected = select_kernel(kernel->name);
    check(selected.ok() && selected.value == kernel, kernel->name);
  }
  for (const dispatch::Kernel& kernel : dispatch::compiled_kernels()) {
    const auto selected = select_kernel(kernel.name);
    check(dispatch::runs_here(kernel) == selected.ok(), "a kernel that this CPU does not run is an error");
    check(dispatch::runs_here(kernel) == ((kernel.required_features & ~dispatch::cpu_features()) == 0),
          "runs_here follows the features");
  }
}

void unknown_names() {
  for (const char* name : {"sse2", "AVX2", "scalar ", " scalar", "avx", "scala", "scalar,avx2"}) {
    const auto selected = select_kernel(name);
    check(!selected.ok() && selected.value == nullptr, name);
    check(selected.status.code() == Code::kernel, "the code is ERR_KERNEL");
    const std::string& message = selected.status.message();
    check(message.find("'" + std::string(name) + "'") != std::string::npos, "the message quotes the name");
    for (const dispatch::Kernel* kernel : available()) {
      check(message.find(kernel->name) != std::string::npos, "the message lists what there is");
    }
  }
}

/// Decided at the first call, so this is the only case that may call active_kernel.
void forced_by_environment() {
  setenv("REQUANT_KERNEL", "scalar", 1);
  const auto active = dispatch::active_kernel();
  check(active.ok() && active.value->name == std::string_view("scalar"), "REQUANT_KERNEL=scalar");
  check(active.ok() && active.value->set == &requant_kernels_scalar, "its table is the scalar one");
  setenv("REQUANT_KERNEL", "nonsense", 1);
  const auto again = dispatch::active_kernel();
  check(again.ok() && again.value == active.value, "decided once");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1][0] != '-') {
    run_case(std::string("dispatch: this CPU gets ") + argv[1], [&] { expected_here(argv[1]); });
  }
  run_case("dispatch: the first available kernel is preferred", preference);
  run_case("dispatch: each name selects its kernel", names);
  run_case("dispatch: unknown names are errors that list the known ones", unknown_names);
  run_case("dispatch: REQUANT_KERNEL forces a kernel", forced_by_environment);
  return test::finish();
}
