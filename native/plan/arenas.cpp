#include "plan/arenas.h"

#include <algorithm>
#include <new>

namespace requant::plan {
namespace {

std::unique_ptr<Arena> make_arena(size_t bytes, size_t values) noexcept {
  try {
    auto arena = std::make_unique<Arena>();
    arena->data.resize(values);
    if (arena->memory.allocate(std::max<size_t>(bytes, 1))) return arena;
  } catch (const std::bad_alloc&) {
  }
  return nullptr;
}

}  // namespace

Arenas::~Arenas() {
  for (std::atomic<Arena*>& slot : near_) delete slot.load(std::memory_order_acquire);
}

std::unique_ptr<Arena> Arenas::take(size_t bytes, size_t values) noexcept {
  for (std::atomic<Arena*>& slot : near_) {
    if (slot.load(std::memory_order_relaxed) == nullptr) continue;
    if (Arena* const arena = slot.exchange(nullptr, std::memory_order_acquire))
      return std::unique_ptr<Arena>(arena);
  }
  {
    const std::lock_guard lock(mutex_);
    if (!far_.empty()) {
      std::unique_ptr<Arena> arena = std::move(far_.back());
      far_.pop_back();
      return arena;
    }
  }
  return make_arena(bytes, values);
}

void Arenas::give_back(std::unique_ptr<Arena> arena) noexcept {
  for (std::atomic<Arena*>& slot : near_) {
    Arena* none = nullptr;
    if (slot.load(std::memory_order_relaxed) != nullptr) continue;
    if (slot.compare_exchange_strong(none, arena.get(), std::memory_order_release,
                                     std::memory_order_relaxed)) {
      static_cast<void>(arena.release());
      return;
    }
  }
  try {
    const std::lock_guard lock(mutex_);
    far_.push_back(std::move(arena));
  } catch (const std::bad_alloc&) {
    // The next run makes one anew.
  }
}

}  // namespace requant::plan
