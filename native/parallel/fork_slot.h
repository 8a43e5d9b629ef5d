// One piece of work that several threads share, cut into chunks.
//
// Everything that decides who runs what is one word: {seats, first, last}, the chunks nobody has claimed yet
// and how many more helpers may come. A helper takes its seat and its first chunk in one step; until then it
// has touched nothing of the caller's, and the caller waits only for helpers that sit. The caller claims from
// the front and helpers from the back, so that calls of the same shape find their data in the same caches.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace requant::parallel {

class ForkSlot;

/// What one thread sees of a fork.
class Share {
 public:
  /// Claims a chunk; false when none is left.
  bool next(size_t& chunk) noexcept;
  bool is_helper() const noexcept { return is_helper_; }

 private:
  friend class ForkSlot;
  Share(ForkSlot& slot, size_t first, bool is_helper) noexcept
      : slot_(slot), first_(first), is_helper_(is_helper) {}

  ForkSlot& slot_;
  size_t first_;  // claimed already
  bool is_helper_;
  static constexpr size_t kNone = SIZE_MAX;
};

using ForkBody = void (*)(void* context, Share& share) noexcept;

/// Lives in memory that outlasts every helper. One cache line.
class alignas(64) ForkSlot {
 public:
  static constexpr size_t kMaxChunks = (size_t{1} << 24) - 1;
  static constexpr size_t kMaxHelpers = (size_t{1} << 16) - 1;

  /// Makes the slot the caller's; false when it is another's.
  bool take() noexcept;
  /// Gives it back. No helper sits any more.
  void give_back() noexcept;

  /// The caller's part: opens the work, keeping chunk 0; takes its own share; waits for the helpers that
  /// came.
  void open(ForkBody body, void* context, size_t chunks, size_t helpers) noexcept;
  void run_own_share() noexcept;
  void join() noexcept;

  /// A helper's part: false where there is no seat or no chunk.
  bool help() noexcept;

 private:
  friend class Share;

  bool claim_front(size_t& chunk) noexcept;
  bool claim_back(size_t& chunk) noexcept;
  bool sit_down(size_t& chunk) noexcept;

  std::atomic<uint64_t> word_{0};
  ForkBody body_ = nullptr;
  void* context_ = nullptr;
  uint32_t seats_ = 0;             // at the opening
  std::atomic<uint32_t> left_{0};  // helpers that sat and have gone
  std::atomic<bool> taken_{false};
};

}  // namespace requant::parallel
