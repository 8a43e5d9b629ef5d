#include "plan/arena_layout.h"

#include <algorithm>

#include "base/aligned_buffer.h"

namespace requant::plan {
namespace {

struct Lifetime {
  size_t first = 0;  // stage index + 1; 0 is before the first stage
  size_t last = 0;
};

std::vector<Lifetime> lifetimes(size_t value_count, std::span<const std::unique_ptr<Stage>> stages,
                                const std::vector<bool>& kept) {
  std::vector<Lifetime> lives(value_count);
  for (size_t i = 0; i < stages.size(); ++i) {
    for (const ValueId id : stages[i]->inputs()) lives[id].last = i + 1;
    lives[stages[i]->output()] = {i + 1, i + 1};
  }
  for (ValueId id = 0; id < value_count; ++id) {
    if (kept[id]) lives[id].last = stages.size() + 1;
  }
  return lives;
}

struct Placed {
  Lifetime life;
  size_t begin, end;
};

/// The lowest offset at which `bytes` overlap no block alive at the same time.
size_t first_fit(const std::vector<Placed>& placed, const Lifetime& life, size_t bytes) {
  size_t offset = 0;
  for (const Placed& other : placed) {  // sorted by begin
    if (other.life.last < life.first || life.last < other.life.first) continue;
    if (offset + bytes <= other.begin) break;
    offset = std::max(offset, other.end);
  }
  return offset;
}

}  // namespace

ArenaLayout lay_out(std::span<const Value> values, std::span<const std::unique_ptr<Stage>> stages,
                    const std::vector<bool>& kept, size_t rows) {
  const std::vector<Lifetime> lives = lifetimes(values.size(), stages, kept);
  ArenaLayout layout;
  layout.offsets.resize(values.size());
  std::vector<Placed> placed;
  for (ValueId id = 0; id < values.size(); ++id) {
    const size_t bytes = round_up(rows * values[id].features * value_bytes(values[id].type), kAlignment);
    const size_t offset = first_fit(placed, lives[id], bytes);
    const Placed entry{lives[id], offset, offset + bytes};
    placed.insert(std::upper_bound(placed.begin(), placed.end(), entry,
                                   [](const Placed& a, const Placed& b) { return a.begin < b.begin; }),
                  entry);
    layout.offsets[id] = offset;
    layout.bytes = std::max(layout.bytes, entry.end);
  }
  return layout;
}

}  // namespace requant::plan
