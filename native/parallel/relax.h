// Busy waiting that is short and says so to the CPU.
#pragma once

#include <chrono>

namespace requant::parallel {

inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// A stretch of time to spin in. The clock, tens of nanoseconds, is read only now and then, and never for
/// short waits.
class SpinTime {
 public:
  using Clock = std::chrono::steady_clock;

  explicit SpinTime(Clock::duration length) noexcept : length_(length) {}

  /// Waits a moment; false once the time is over.
  bool once() noexcept {
    relax();
    if (++count_ % kTurnsPerLook != 0) return true;
    const Clock::time_point now = Clock::now();
    if (count_ == kTurnsPerLook) end_ = now + length_;
    return now < end_;
  }

 private:
  static constexpr unsigned kTurnsPerLook = 32;
  const Clock::duration length_;
  Clock::time_point end_{};
  unsigned count_ = 0;
};

}  // namespace requant::parallel
