// The only owner of bulk memory: cache-line aligned, zeroed, never throws.
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

namespace requant {

inline constexpr size_t kAlignment = 64;

constexpr size_t round_up(size_t value, size_t multiple) noexcept {
  return (value + multiple - 1) / multiple * multiple;
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
    if (count > (std::numeric_limits<size_t>::max() - kAlignment) / sizeof(T)) return false;
    const size_t bytes = round_up(count * sizeof(T), kAlignment);
    void* memory = ::operator new(bytes, std::align_val_t{kAlignment}, std::nothrow);
    if (memory == nullptr) return false;
    std::memset(memory, 0, bytes);
    data_.reset(static_cast<T*>(memory));
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
    void operator()(T* memory) const noexcept { ::operator delete(memory, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<T, Free> data_;
  size_t size_ = 0;
};

}  // namespace requant
