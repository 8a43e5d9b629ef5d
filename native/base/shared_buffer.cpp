#include "base/shared_buffer.h"

#include <cstring>
#include <mutex>
#include <unordered_map>

namespace requant {
namespace {

/// Less than this is not worth a look.
constexpr size_t kWorthSharing = 4096;

/// Tells most contents apart by a few words of them; equality is what counts.
uint64_t fingerprint(const std::byte* bytes, size_t size) noexcept {
  constexpr size_t kWords = 64;
  uint64_t hash = size;
  for (size_t i = 0; i < kWords; ++i) {
    uint64_t word;
    std::memcpy(&word, bytes + (size - sizeof(word)) / (kWords - 1) * i, sizeof(word));
    hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 32;
  }
  return hash;
}

class Shared {
 public:
  std::shared_ptr<const std::byte> find_or_add(std::shared_ptr<const std::byte> bytes, size_t size) {
    const uint64_t key = fingerprint(bytes.get(), size);
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [](const auto& entry) { return entry.second.bytes.expired(); });
    const auto [begin, end] = entries_.equal_range(key);
    for (auto entry = begin; entry != end; ++entry) {
      auto present = entry->second.bytes.lock();
      const bool equal =
          present && entry->second.size == size && std::memcmp(present.get(), bytes.get(), size) == 0;
      if (equal) return present;
    }
    entries_.emplace(key, Entry{bytes, size});
    return bytes;
  }

 private:
  struct Entry {
    std::weak_ptr<const std::byte> bytes;
    size_t size;
  };
  std::mutex mutex_;
  std::unordered_multimap<uint64_t, Entry> entries_;
};

}  // namespace

std::shared_ptr<const std::byte> share_equal(std::shared_ptr<const std::byte> bytes, size_t size) {
  // Never destroyed: threads may outlive everything else.
  static auto* const shared = new Shared;
  return size < kWorthSharing ? bytes : shared->find_or_add(std::move(bytes), size);
}

}  // namespace requant
