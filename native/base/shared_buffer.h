// Bulk memory that nobody writes any more. Shared, equal contents are one in a process: worker threads that
// load the same model file have its packed weights once.
#pragma once

#include <memory>

#include "base/aligned_buffer.h"

namespace requant {

/// `bytes` themselves, or memory of the same content that is alive already. Small ones stay their owner's.
std::shared_ptr<const std::byte> share_equal(std::shared_ptr<const std::byte> bytes, size_t size);

template <class T>
class SharedBuffer {
 public:
  SharedBuffer() noexcept = default;

  explicit SharedBuffer(AlignedBuffer<T> buffer) : size_(buffer.size()) {
    const auto owner = std::make_shared<const AlignedBuffer<T>>(std::move(buffer));
    memory_ = {owner, reinterpret_cast<const std::byte*>(owner->data())};
  }

  /// From here on this and every other shared buffer of the same content are one.
  void share() { memory_ = share_equal(std::move(memory_), bytes()); }

  const T* data() const noexcept { return reinterpret_cast<const T*>(memory_.get()); }
  size_t size() const noexcept { return size_; }
  size_t bytes() const noexcept { return size_ * sizeof(T); }
  const T& operator[](size_t i) const noexcept { return data()[i]; }

 private:
  std::shared_ptr<const std::byte> memory_;
  size_t size_ = 0;
};

}  // namespace requant
