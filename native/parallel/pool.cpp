#include "parallel/pool.h"

#include <algorithm>
#include <exception>
#include <thread>

#include "parallel/pool_size.h"
#include "parallel/relax.h"

namespace requant::parallel {
namespace {

/// How long a helper without work stays awake.
constexpr std::chrono::microseconds kIdleSpin{50};
/// From here on a call gains by help that comes tens of microseconds late.
constexpr double kLongCallNs = 100e3;
/// A call that begins within this time after one as long has ended follows it: whom it wakes is awake for the
/// next.
constexpr int64_t kInARowNs = 80'000;

int64_t now_ns() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(SpinTime::Clock::now().time_since_epoch())
      .count();
}

}  // namespace

Pool::Pool(size_t threads) : threads_(threads), helpers_(std::make_unique<Helper[]>(threads)) {}

bool Pool::submit(Task& task) noexcept {
  start(threads_);
  if (started_.load(std::memory_order_acquire) == 0) return false;
  {
    const std::lock_guard lock(tasks_mutex_);
    task.next_ = nullptr;
    (last_task_ == nullptr ? first_task_ : last_task_->next_) = &task;
    last_task_ = &task;
    queued_.fetch_add(1, std::memory_order_relaxed);
  }
  announce(1, true);
  return true;
}

void Pool::run_fork(ForkBody body, void* context, size_t chunks, Helpers helpers) noexcept {
  const size_t wanted = std::min({helpers.count, threads_ - 1, chunks - 1, ForkSlot::kMaxHelpers});
  ForkSlot* const slot = wanted != 0 ? take_slot() : nullptr;
  if (slot == nullptr) {
    ForkSlot own;
    own.open(body, context, chunks, 0);
    own.run_own_share();
    return;
  }
  start(threads_ - 1);
  slot->open(body, context, chunks, wanted);
  announce(wanted, helpers.wake);
  slot->run_own_share();
  slot->join();
  slot->give_back();
}

ForkSlot* Pool::take_slot() noexcept {
  for (ForkSlot& slot : slots_) {
    if (slot.take()) return &slot;
  }
  return nullptr;
}

bool Pool::worth_waking(size_t helpers, double ns) noexcept {
  if (ns >= kLongCallNs) return true;
  if (spinning_.load(std::memory_order_relaxed) >= helpers) return false;
  const int64_t now = now_ns();
  const int64_t recent = now - kInARowNs - static_cast<int64_t>(ns);
  return last_call_.exchange(now, std::memory_order_relaxed) > recent;
}

/// Sequentially consistent with `sleep`: either this sees the sleeper, or the sleeper sees the signal.
void Pool::announce(size_t wanted, bool wake) noexcept {
  signal_.fetch_add(1, std::memory_order_seq_cst);
  if (!wake) return;
  const size_t awake = spinning_.load(std::memory_order_seq_cst);
  if (awake < wanted) wake_sleepers(wanted - awake);
}

void Pool::wake_sleepers(size_t count) noexcept {
  const size_t started = started_.load(std::memory_order_acquire);
  for (size_t i = 0; i < started && count != 0; ++i) {
    std::atomic<uint32_t>& asleep = helpers_[i].asleep;
    if (asleep.load(std::memory_order_seq_cst) == 0 || asleep.exchange(0, std::memory_order_seq_cst) == 0)
      continue;
    helpers_[i].placement.keep_off_this_cpu();
    asleep.notify_one();
    --count;
  }
}

void Pool::start(size_t count) noexcept {
  if (started_.load(std::memory_order_acquire) >= count) return;
  const std::lock_guard lock(start_mutex_);
  for (size_t i = started_.load(std::memory_order_relaxed); i < count; ++i) {
    try {
      std::thread([this, i] { serve(helpers_[i]); }).detach();
    } catch (const std::exception&) {  // no thread, or no memory for its state
      return;                          // fewer threads: slower, not wrong
    }
    started_.store(i + 1, std::memory_order_release);
  }
}

void Pool::serve(Helper& self) noexcept {
  self.placement.remember();
  for (;;) {
    const uint32_t seen = signal_.load(std::memory_order_seq_cst);
    // Tasks first: forks are never without their caller.
    if (serve_task() || serve_fork(self)) continue;
    if (!wait_awake(seen)) sleep(self, seen);
  }
}

bool Pool::serve_task() noexcept {
  if (queued_.load(std::memory_order_relaxed) == 0) return false;
  Task* task;
  bool more;
  {
    const std::lock_guard lock(tasks_mutex_);
    task = first_task_;
    if (task == nullptr) return false;
    first_task_ = task->next_;
    more = first_task_ != nullptr;
    if (!more) last_task_ = nullptr;
    queued_.fetch_sub(1, std::memory_order_relaxed);
  }
  // Two tasks may have been announced to one thread that was awake.
  if (more) announce(1, true);
  task->run();
  return true;
}

bool Pool::serve_fork(Helper& self) noexcept {
  for (size_t i = 0; i < kSlots; ++i) {
    const size_t slot = (self.cursor + i) % kSlots;
    if (!slots_[slot].help()) continue;
    self.cursor = slot + 1;
    return true;
  }
  return false;
}

/// True when there has been an announcement.
bool Pool::wait_awake(uint32_t seen) noexcept {
  const auto announced = [&] { return signal_.load(std::memory_order_relaxed) != seen; };
  spinning_.fetch_add(1, std::memory_order_relaxed);
  bool found = announced();
  for (SpinTime spin(kIdleSpin); !found && spin.once();) found = announced();
  spinning_.fetch_sub(1, std::memory_order_seq_cst);
  return found;
}

void Pool::sleep(Helper& self, uint32_t seen) noexcept {
  self.asleep.store(1, std::memory_order_seq_cst);
  if (signal_.load(std::memory_order_seq_cst) == seen) self.asleep.wait(1, std::memory_order_acquire);
  self.placement.restore();
  self.asleep.store(0, std::memory_order_relaxed);
}

Pool& process_pool() {
  static auto* const pool = new Pool(pool_size().value.threads);
  return *pool;
}

}  // namespace requant::parallel
