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

#if defined(__SANITIZE_ADDRESS__)
#define REQUANT_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REQUANT_ADDRESS_SANITIZER
#endif
#endif

namespace requant {

inline constexpr size_t kAlignment = 64;

constexpr size_t round_up(size_t value, size_t multiple) noexcept {
  return (value + multiple - 1) / multiple * multiple;
}

/// Memory that comes from the system page by page, and goes back to it at once when it is freed: malloc keeps
/// what it is given back, and in every thread. The address sanitizer watches malloc's memory only.
class Pages {
 public:
  static constexpr size_t kWorthwhile = size_t{1} << 20;

  /// Zeros, or null: too little for this, or no memory.
  static void* take([[maybe_unused]] size_t bytes) noexcept {
#if defined(__linux__) && !defined(REQUANT_ADDRESS_SANITIZER)
    if (bytes < kWorthwhile) return nullptr;
    void* const block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return nullptr;
    // Memory that is read from end to end: 16 MiB in small pages are more than a TLB holds. A hint: it may
    // fail.
    constexpr size_t kManyPages = size_t{4} << 20;
    if (bytes >= kManyPages) madvise(block, bytes, MADV_HUGEPAGE);
    return block;
#else
    return nullptr;
#endif
  }

  static void give_back([[maybe_unused]] void* block, [[maybe_unused]] size_t bytes) noexcept {
#if defined(__linux__)
    munmap(block, bytes);
#endif
  }
};

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
    const size_t bytes = round_up(count * sizeof(T), kAlignment) + kAlignment;
    if (void* const pages = Pages::take(bytes); pages != nullptr) {
      data_ = {static_cast<T*>(pages), Free{bytes}};
    } else {
      // calloc knows that fresh pages are zeros: what is never used never becomes resident.
      void* const block = std::calloc(bytes, 1);
      if (block == nullptr) return false;
      // calloc aligns to 16 bytes at least: before the data there is room for the block's address.
      const auto address = reinterpret_cast<uintptr_t>(block);
      auto* const data = static_cast<std::byte*>(block) + (kAlignment - address % kAlignment);
      reinterpret_cast<void**>(data)[-1] = block;
      data_ = {reinterpret_cast<T*>(data), Free{0}};
    }
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
    size_t page_bytes = 0;  // 0: malloc's
    void operator()(T* data) const noexcept {
      if (page_bytes != 0) return Pages::give_back(data, page_bytes);
      std::free(reinterpret_cast<void**>(data)[-1]);
    }
  };
  std::unique_ptr<T, Free> data_;
  size_t size_ = 0;
};

}  // namespace requant
