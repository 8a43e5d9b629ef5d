// The only owner of bulk memory: cache-line aligned, zeroed, never throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace requant {

inline constexpr size_t kAlignment = 64;

constexpr size_t round_up(size_t value, size_t multiple) noexcept {
  return (value + multiple - 1) / multiple * multiple;
}

/// Asks for huge pages under memory that is read from end to end, where there are some of them: 16 MiB in
/// small pages are more than a TLB holds.
inline void prefer_huge_pages([[maybe_unused]] void* block, [[maybe_unused]] size_t bytes) noexcept {
#if defined(__linux__)
  constexpr size_t kWorthwhile = size_t{4} << 20;
  constexpr size_t kPage = 4096;
  if (bytes < kWorthwhile) return;
  const size_t skip = kPage - reinterpret_cast<uintptr_t>(block) % kPage;
  madvise(static_cast<std::byte*>(block) + skip, bytes - skip, MADV_HUGEPAGE);  // a hint: it may fail
#endif
}

template <class T>
class AlignedBuffer {
 public:
  AlignedBuffer() noexcept = default;

  /// False when the system has no memory; the buffer is then empty. Contents start as zeros.
  [[nodiscard]] bool allocate(size_t count) noexcept {
    data_.reset();
    size_ = 0;
    if (count == 0) return true;
    if (count > (std::numeric_limits<size_t>::max() - 2 * kAlignment) / sizeof(T)) return false;
    // calloc knows that fresh pages are zeros: what is never used never becomes resident.
    const size_t bytes = round_up(count * sizeof(T), kAlignment) + kAlignment;
    void* const block = std::calloc(bytes, 1);
    if (block == nullptr) return false;
    prefer_huge_pages(block, bytes);
    // calloc aligns to 16 bytes at least: before the data there is room for the block's address.
    const auto address = reinterpret_cast<uintptr_t>(block);
    auto* const data = static_cast<std::byte*>(block) + (kAlignment - address % kAlignment);
    reinterpret_cast<void**>(data)[-1] = block;
    data_.reset(reinterpret_cast<T*>(data));
    size_ = count;
    return true;
  }

  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  size_t size() const noexcept { return size_; }
  size_t bytes() const noexcept { return size_ * sizeof(T); }
  T& operator[](size_t i) noexcept { return data_.get()[i]; }
  const T& operator[](size_t i) const noexcept { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* data) const noexcept { std::free(reinterpret_cast<void**>(data)[-1]); }
  };
  std::unique_ptr<T, Free> data_;
  size_t size_ = 0;
};

}  // namespace requant
