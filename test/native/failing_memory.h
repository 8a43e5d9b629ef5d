// Memory that runs out when a test says so: the n-th allocation fails, and all after it. One file of a
// program includes this; it replaces operator new, and the linker sends calloc and free here (--wrap).
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

extern "C" {
void* __real_calloc(size_t count, size_t size);
void __real_free(void* block);
}

namespace requant::test {

/// Allocations that still succeed.
inline std::atomic<int64_t> allocations_left{INT64_MAX};
/// Blocks that are allocated now.
inline std::atomic<int64_t> live_blocks{0};

inline bool may_allocate() noexcept { return allocations_left.fetch_sub(1, std::memory_order_relaxed) > 0; }

/// While it lives, `count` allocations succeed and no more.
class MemoryFor {
 public:
  explicit MemoryFor(int64_t count) noexcept { allocations_left.store(count); }
  ~MemoryFor() { allocations_left.store(INT64_MAX); }
  MemoryFor(const MemoryFor&) = delete;
  MemoryFor& operator=(const MemoryFor&) = delete;

  /// Whether an allocation has failed.
  bool ran_out() const noexcept { return allocations_left.load() < 0; }
};

}  // namespace requant::test

extern "C" inline __attribute__((used)) void* __wrap_calloc(size_t count, size_t size) {
  if (!requant::test::may_allocate()) return nullptr;
  void* const block = __real_calloc(count, size);
  if (block != nullptr) requant::test::live_blocks.fetch_add(1, std::memory_order_relaxed);
  return block;
}

extern "C" inline __attribute__((used)) void __wrap_free(void* block) {
  if (block != nullptr) requant::test::live_blocks.fetch_sub(1, std::memory_order_relaxed);
  __real_free(block);
}

void* operator new(size_t size) {
  void* const block = __wrap_calloc(1, size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new(size_t size, std::align_val_t alignment) {
  if (!requant::test::may_allocate()) throw std::bad_alloc();
  const auto a = static_cast<size_t>(alignment);
  void* const block = std::aligned_alloc(a, (size + a - 1) / a * a);
  if (block == nullptr) throw std::bad_alloc();
  requant::test::live_blocks.fetch_add(1, std::memory_order_relaxed);
  return block;
}
void operator delete(void* block) noexcept { __wrap_free(block); }
void operator delete(void* block, size_t) noexcept { __wrap_free(block); }
void operator delete(void* block, std::align_val_t) noexcept { __wrap_free(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept { __wrap_free(block); }
