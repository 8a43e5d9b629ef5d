#include "addon/spare_memory.h"

#include <algorithm>
#include <new>

namespace requant::addon {
namespace {

constexpr size_t kMostBlocks = 64;
constexpr size_t kSmall = size_t{1} << 20;

/// A larger block would be missing elsewhere.
bool fits(const Block& block, size_t size) noexcept { return block.size >= size && block.size / 2 <= size; }

}  // namespace

Block SpareMemory::take(size_t size) noexcept {
  const auto found =
      std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& block) { return fits(block, size); });
  if (found == blocks_.end()) return {std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[size]), size};
  std::swap(*found, blocks_.back());
  Block block = std::move(blocks_.back());
  blocks_.pop_back();
  return block;
}

void SpareMemory::give_back(Block block) noexcept {
  if (!block.data || block.size == 0 || blocks_.size() == kMostBlocks) return;
  try {
    blocks_.push_back(std::move(block));
  } catch (const std::bad_alloc&) {  // then it is not kept
  }
}

void SpareMemory::shrink() noexcept {
  std::erase_if(blocks_, [](const Block& block) { return block.size > kSmall; });
}

}  // namespace requant::addon
