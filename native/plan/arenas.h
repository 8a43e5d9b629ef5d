// The memory that runs work in, kept from run to run.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "base/aligned_buffer.h"

namespace requant::plan {

/// What one thread needs for a run: the values' memory, and where each value lies (by ValueId).
struct Arena {
  AlignedBuffer<std::byte> memory;
  std::vector<std::byte*> data;
};

/// Idle arenas. Without contention taking and giving back are one atomic exchange each.
class Arenas {
 public:
  Arenas() = default;
  Arenas(const Arenas&) = delete;
  Arenas& operator=(const Arenas&) = delete;
  ~Arenas();

  /// An idle arena or a new one; null when the system has no memory.
  std::unique_ptr<Arena> take(size_t bytes, size_t values) noexcept;
  void give_back(std::unique_ptr<Arena> arena) noexcept;

 private:
  std::array<std::atomic<Arena*>, 4> near_{};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Arena>> far_;
};

/// An arena for as long as this lives.
class ArenaLease {
 public:
  ArenaLease(Arenas& arenas, size_t bytes, size_t values) noexcept
      : arenas_(arenas), arena_(arenas.take(bytes, values)) {}
  ~ArenaLease() {
    if (arena_) arenas_.give_back(std::move(arena_));
  }
  ArenaLease(const ArenaLease&) = delete;
  ArenaLease& operator=(const ArenaLease&) = delete;

  Arena* get() const noexcept { return arena_.get(); }

 private:
  Arenas& arenas_;
  std::unique_ptr<Arena> arena_;
};

}  // namespace requant::plan
