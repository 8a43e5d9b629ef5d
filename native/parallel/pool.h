// The process's threads. They serve tasks in the order they came, and calls that share out their own work
// (forks); the thread that calls counts as one of them. Without work they sleep.
//
// A fork never waits for a thread that has not begun: where none is awake in time the caller does everything.
// Waking a sleeping thread costs the caller microseconds and takes tens of them, so a short call only finds
// threads that are still awake from the call before.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "parallel/fork_slot.h"
#include "parallel/placement.h"

namespace requant::parallel {

/// Work for a background thread. The queue owns nothing: a task lives until `run` has returned.
class Task {
 public:
  virtual ~Task() = default;
  virtual void run() noexcept = 0;

 private:
  friend class Pool;
  Task* next_ = nullptr;
};

/// Whom a fork may ask for help.
struct Helpers {
  size_t count = 0;
  bool wake = false;  // also those that sleep
};

class Pool {
 public:
  /// `threads`: how many work at the same time; they start when they are first needed.
  explicit Pool(size_t threads);
  /// Threads may outlive everything else: a pool is never destroyed.
  ~Pool() = delete;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  size_t threads() const noexcept { return threads_; }

  /// False where the system refuses even one thread.
  [[nodiscard]] bool submit(Task& task) noexcept;

  /// body(Share&) runs on this thread and on helpers that come; returns when every claimed chunk is done. A
  /// body claims chunks 0…chunks − 1 until there are no more.
  template <class Body>
  void fork(size_t chunks, Helpers helpers, Body& body) noexcept {
    run_fork([](void* context, Share& share) noexcept { (*static_cast<Body*>(context))(share); }, &body,
             chunks, helpers);
  }

  /// Whether to wake sleeping helpers for a call of about `ns`: long ones gain by it; short ones only where
  /// call follows call, so that whom this one wakes the next one finds awake.
  bool worth_waking(size_t helpers, double ns) noexcept;

 private:
  struct alignas(64) Helper {
    std::atomic<uint32_t> asleep{0};
    size_t cursor = 0;  // the slot to look at first: every caller gets its turn
    Placement placement;
  };
  static constexpr size_t kSlots = 16;  // calls that can share out work at the same time; more run alone

  void run_fork(ForkBody body, void* context, size_t chunks, Helpers helpers) noexcept;
  ForkSlot* take_slot() noexcept;
  void announce(size_t wanted, bool wake) noexcept;
  void wake_sleepers(size_t count) noexcept;
  void start(size_t count) noexcept;

  void serve(Helper& self) noexcept;
  bool serve_task() noexcept;
  bool serve_fork(Helper& self) noexcept;
  bool wait_awake(uint32_t seen) noexcept;
  void sleep(Helper& self, uint32_t seen) noexcept;

  const size_t threads_;
  const std::unique_ptr<Helper[]> helpers_;
  ForkSlot slots_[kSlots];

  alignas(64) std::atomic<uint32_t> signal_{0};    // changes with every announcement
  alignas(64) std::atomic<uint32_t> spinning_{0};  // helpers that look at it now; its own line: they write it

  alignas(64) std::mutex tasks_mutex_;
  Task* first_task_ = nullptr;
  Task* last_task_ = nullptr;
  std::atomic<size_t> queued_{0};

  std::mutex start_mutex_;
  std::atomic<size_t> started_{0};
  std::atomic<int64_t> last_call_{INT64_MIN};  // ns, of calls that found too few helpers awake
};

/// The pool of this process, of pool_size() threads.
Pool& process_pool();

/// Who works on a call: this thread, and helpers where `pool` is there.
struct Crew {
  Pool* pool = nullptr;
  Helpers helpers;

  bool alone() const noexcept { return pool == nullptr || helpers.count == 0; }
  size_t threads() const noexcept { return alone() ? 1 : helpers.count + 1; }
};

}  // namespace requant::parallel
