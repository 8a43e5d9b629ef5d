#include "parallel/placement.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace requant::parallel {

#if defined(__linux__)

void Placement::remember() noexcept {
  // Fails where there are more CPUs than a cpu_set_t holds.
  if (sched_getaffinity(0, sizeof(cpus_), &cpus_) != 0 || CPU_COUNT(&cpus_) < 2) return;
  thread_ = static_cast<pid_t>(syscall(SYS_gettid));
}

void Placement::keep_off_this_cpu() noexcept {
  const int cpu = sched_getcpu();
  if (thread_ == 0 || cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &cpus_)) return;
  cpu_set_t others = cpus_;
  CPU_CLR(cpu, &others);
  restricted_.store(true, std::memory_order_relaxed);
  sched_setaffinity(thread_, sizeof(others), &others);
}

void Placement::restore() noexcept {
  if (restricted_.exchange(false, std::memory_order_relaxed)) sched_setaffinity(0, sizeof(cpus_), &cpus_);
}

#else

void Placement::remember() noexcept {}
void Placement::keep_off_this_cpu() noexcept {}
void Placement::restore() noexcept {}

#endif

}  // namespace requant::parallel
