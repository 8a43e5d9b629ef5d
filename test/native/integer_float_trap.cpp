// Which instructions a step of training with integers executes: the CPU's trap flag stops behind every one of
// them, and the program prints each address once, as "module offset", for scripts/audit-integer-step.mjs,
// which looks them up and fails on any that computes with floats. Linux on x86-64.
//   integer_float_trap KERNEL
#include <cstdio>

#if defined(__linux__) && defined(__x86_64__)
#include <link.h>
#include <signal.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdint>

#include "integer_models.h"
#include "kernels_here.h"

namespace {

using namespace requant;
using training::IntegerRecipe;

// Addresses that were executed: an open table that a signal handler may fill.
constexpr size_t kSlots = size_t{1} << 20;
uint64_t addresses[kSlots];
uint64_t instructions = 0;

void on_trap(int, siginfo_t*, void* context) {
  const auto at = static_cast<uint64_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
  ++instructions;
  for (size_t slot = at * 0x9e3779b97f4a7c15U >> 44; addresses[slot] != at; slot = (slot + 1) % kSlots) {
    if (addresses[slot] != 0) continue;
    addresses[slot] = at;
    return;
  }
}

[[gnu::always_inline]] inline void set_trap_flag() noexcept {
  asm volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
}
[[gnu::always_inline]] inline void clear_trap_flag() noexcept {
  asm volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
}

/// Steps with every kind of shift, and the judgement of one row. Widths and rows meet register tiles of one
/// to six rows, several groups of columns and odd remainders of k.
void trapped_steps(const kernels::KernelSet& set, IntegerRecipe recipe, bool raised,
                   const std::vector<size_t>& widths, size_t count) {
  const test::IntegerTask task(set, nullptr, widths, recipe, raised, count);
  const auto rows = test::some_rows(3, count);
  const training::IntegerBatch batch{task.inputs.data(), task.targets.data(), rows};
  uint32_t number = 0;
  for (const int32_t rate : {-2, -30, 12}) {
    set_trap_flag();
    task.net->step({}, batch, rate, number++);
    clear_trap_flag();
  }
  const training::IntegerBatch row{task.inputs.data(), task.targets.data(), {rows.data(), 1}};
  set_trap_flag();
  task.net->judge({}, row);
  clear_trap_flag();
}

int print_module(dl_phdr_info* info, size_t, void*) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    const uint64_t begin = info->dlpi_addr + segment.p_vaddr;
    const char* name = *info->dlpi_name == 0 ? "/proc/self/exe" : info->dlpi_name;
    for (const uint64_t at : addresses) {
      if (at >= begin && at < begin + segment.p_memsz)
        std::printf("%s %llx\n", name, static_cast<unsigned long long>(at - info->dlpi_addr));
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string wanted = argc > 1 ? argv[1] : "";
  const auto here = test::kernels_here();
  const auto kernel = std::find_if(here.begin(), here.end(), [&](auto* k) { return k->name == wanted; });
  if (kernel == here.end()) return std::printf("skip %s\n", wanted.c_str()), 0;
  struct sigaction action = {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, nullptr);
  trapped_steps(*(*kernel)->set, IntegerRecipe::block, false, {66, 12, 2}, 5);
  trapped_steps(*(*kernel)->set, IntegerRecipe::wage, true, {66, 11, 3}, 4);
  dl_iterate_phdr(print_module, nullptr);
  std::fprintf(stderr, "%llu instructions executed\n", static_cast<unsigned long long>(instructions));
}
#else
int main() { std::puts("skip: the trap flag is x86-64's"); }
#endif
