// Where a helper wakes up.
//
// Linux puts a woken thread on its last CPU or on the waker's unless a search finds an idle one, and gives up
// that search where the CPUs that share a cache are busy by more than a third (update_idle_cpu_scan in
// kernel/sched/fair.c): on two CPUs the caller and its helper then share one for milliseconds while the other
// idles.
#pragma once

#include <atomic>

#if defined(__linux__)
#include <sched.h>
#include <sys/types.h>
#endif

namespace requant::parallel {

/// The CPUs of one helper. Restricted only from a wake-up until the helper runs; elsewhere than on Linux this
/// does nothing.
class Placement {
 public:
  /// By the helper, when it starts.
  void remember() noexcept;
  /// By a caller, before it wakes the helper: not to this CPU.
  void keep_off_this_cpu() noexcept;
  /// By the helper, once it is awake: any of its CPUs again.
  void restore() noexcept;

 private:
#if defined(__linux__)
  pid_t thread_ = 0;  // 0: unknown, or nowhere else to go
  cpu_set_t cpus_{};
  std::atomic<bool> restricted_{false};
#endif
};

}  // namespace requant::parallel
