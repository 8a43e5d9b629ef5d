// Memory of asynchronous runs, handed on from those that have ended to those that follow: fresh pages are
// paid for one by one, and on the event loop.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace requant::addon {

struct Block {
  std::unique_ptr<std::byte[]> data;  // null: no memory
  size_t size = 0;
};

/// Of one JavaScript environment, and for its thread alone.
class SpareMemory {
 public:
  /// At least `size` bytes with any content.
  Block take(size_t size) noexcept;
  void give_back(Block block) noexcept;
  /// Nothing runs any more: keeps what is small.
  void shrink() noexcept;

 private:
  std::vector<Block> blocks_;
};

}  // namespace requant::addon
