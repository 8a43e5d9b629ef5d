#include "parallel/fork_slot.h"

#include <thread>

#include "parallel/relax.h"

namespace requant::parallel {
namespace {

constexpr unsigned kBits = 24;
constexpr uint64_t kMask = (uint64_t{1} << kBits) - 1;
constexpr uint64_t kOneFirst = uint64_t{1} << kBits;
constexpr uint64_t kOneSeat = uint64_t{1} << (2 * kBits);

constexpr uint64_t last_of(uint64_t word) noexcept { return word & kMask; }
constexpr uint64_t first_of(uint64_t word) noexcept { return word >> kBits & kMask; }
constexpr uint64_t seats_of(uint64_t word) noexcept { return word >> (2 * kBits); }
constexpr bool has_chunks(uint64_t word) noexcept { return first_of(word) < last_of(word); }

/// Waiting for a helper that computes: long enough not to miss its end, then the CPU is offered to others.
constexpr std::chrono::microseconds kJoinSpin{50};
constexpr int kJoinYields = 200;

}  // namespace

bool Share::next(size_t& chunk) noexcept {
  if (first_ == kNone) return is_helper_ ? slot_.claim_back(chunk) : slot_.claim_front(chunk);
  chunk = first_;
  first_ = kNone;
  return true;
}

bool ForkSlot::take() noexcept {
  return !taken_.load(std::memory_order_relaxed) && !taken_.exchange(true, std::memory_order_acquire);
}

void ForkSlot::give_back() noexcept { taken_.store(false, std::memory_order_release); }

void ForkSlot::open(ForkBody body, void* context, size_t chunks, size_t helpers) noexcept {
  body_ = body;
  context_ = context;
  seats_ = static_cast<uint32_t>(helpers);
  left_.store(0, std::memory_order_relaxed);
  word_.store(helpers * kOneSeat | kOneFirst | chunks, std::memory_order_release);
}

void ForkSlot::run_own_share() noexcept {
  Share share(*this, 0, false);
  body_(context_, share);
}

void ForkSlot::join() noexcept {
  // Whatever the body left unclaimed nobody shall claim any more.
  const uint64_t word = word_.exchange(0, std::memory_order_relaxed);
  const auto sat = static_cast<uint32_t>(seats_ - seats_of(word));
  const auto all_left = [&] { return left_.load(std::memory_order_acquire) == sat; };
  if (all_left()) return;
  for (SpinTime spin(kJoinSpin); spin.once();) {
    if (all_left()) return;
  }
  for (int i = 0; i < kJoinYields; ++i) {
    if (all_left()) return;
    std::this_thread::yield();
  }
  for (uint32_t left; (left = left_.load(std::memory_order_acquire)) != sat;) left_.wait(left);
}

bool ForkSlot::help() noexcept {
  size_t chunk;
  if (!sit_down(chunk)) return false;
  Share share(*this, chunk, true);
  body_(context_, share);
  // From here on the slot may be somebody else's; only its address is used.
  left_.fetch_add(1, std::memory_order_release);
  left_.notify_one();
  return true;
}

bool ForkSlot::sit_down(size_t& chunk) noexcept {
  uint64_t word = word_.load(std::memory_order_relaxed);
  while (seats_of(word) != 0 && has_chunks(word)) {
    if (word_.compare_exchange_weak(word, word - kOneSeat - 1, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      chunk = last_of(word) - 1;
      return true;
    }
  }
  return false;
}

bool ForkSlot::claim_front(size_t& chunk) noexcept {
  uint64_t word = word_.load(std::memory_order_relaxed);
  while (has_chunks(word)) {
    if (word_.compare_exchange_weak(word, word + kOneFirst, std::memory_order_relaxed)) {
      chunk = first_of(word);
      return true;
    }
  }
  return false;
}

bool ForkSlot::claim_back(size_t& chunk) noexcept {
  uint64_t word = word_.load(std::memory_order_relaxed);
  while (has_chunks(word)) {
    if (word_.compare_exchange_weak(word, word - 1, std::memory_order_relaxed)) {
      chunk = last_of(word) - 1;
      return true;
    }
  }
  return false;
}

}  // namespace requant::parallel
