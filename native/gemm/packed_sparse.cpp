#include "gemm/packed_sparse.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace requant::gemm {
namespace {

using Layout = kernels::SparseLayout;
constexpr size_t kGroups = Layout::kColumns / Layout::kGroup;

/// Where the parts of a panel lie.
struct Place {
  size_t index, start, end;

  explicit Place(size_t steps) noexcept
      : index(Layout::kHead + steps * Layout::kWeightBytes),
        start(index + steps * Layout::kIndexBytes),
        end(round_up(start + steps * sizeof(uint32_t), kAlignment)) {}
};

/// One column group's k with a weight that is not 0.
using Lists = std::array<std::vector<uint32_t>, kGroups>;

/// True where all columns of the group that there are have 0 at k.
bool zero_block(const int8_t* w, size_t first, size_t columns, size_t depth, size_t k) noexcept {
  for (size_t c = first; c < std::min(first + Layout::kGroup, columns); ++c) {
    if (w[c * depth + k] != 0) return false;
  }
  return true;
}

/// How many k of the group have a block that is not 0: eight at a time, a byte each.
size_t live_blocks(const int8_t* w, size_t first, size_t columns, size_t k) noexcept {
  constexpr uint64_t kLow7 = 0x7F7F7F7F7F7F7F7FU;
  const size_t end = std::min(first + Layout::kGroup, columns);
  size_t live = 0;
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= k; i += sizeof(uint64_t)) {
    uint64_t any = 0;
    for (size_t c = first; c < end; ++c) {
      uint64_t bytes;
      std::memcpy(&bytes, w + c * k + i, sizeof(bytes));
      any |= bytes;
    }
    // The top bit of each byte: whether it is not 0.
    live += static_cast<size_t>(std::popcount((((any & kLow7) + kLow7) | any) & ~kLow7));
  }
  for (; i < k; ++i) live += zero_block(w, first, columns, k, i) ? 0 : 1;
  return live;
}

/// False where so many blocks are not 0 that sparse panels cannot pay. Most weights are dense: it looks at
/// about half of them.
bool may_pay(const int8_t* w, size_t columns, size_t k, double most_work) noexcept {
  const size_t groups = (columns + Layout::kGroup - 1) / Layout::kGroup;
  const auto most = static_cast<size_t>(most_work * static_cast<double>(groups * k));
  size_t live = 0;
  for (size_t first = 0; first < columns; first += Layout::kGroup) {
    live += live_blocks(w, first, columns, k);
    if (live > most) return false;
  }
  return true;
}

Lists lists_of(const int8_t* w, size_t column, size_t columns, size_t k) {
  Lists lists;
  for (size_t g = 0; g < kGroups; ++g) {
    for (size_t i = 0; i < k; ++i) {
      if (!zero_block(w, column + g * Layout::kGroup, columns, k, i)) {
        lists[g].push_back(static_cast<uint32_t>(i));
      }
    }
  }
  return lists;
}

/// Each step's window begins at the first k that is left, and takes of each group what lies in it.
/// visit(step, window's begin, group, place within the step, k); returns the number of steps.
template <class Visit>
size_t for_each_step(const Lists& lists, size_t k, Visit visit) {
  std::array<size_t, kGroups> next{};
  for (size_t step = 0;; ++step) {
    size_t begin = k;
    for (size_t g = 0; g < kGroups; ++g) {
      if (next[g] < lists[g].size()) begin = std::min<size_t>(begin, lists[g][next[g]]);
    }
    if (begin == k) return step;
    begin = std::min(begin / Layout::kStart * Layout::kStart, k - Layout::kWindow);
    for (size_t g = 0; g < kGroups; ++g) {
      for (size_t i = 0; i < Layout::kDepth && next[g] < lists[g].size(); ++i) {
        const size_t at = lists[g][next[g]];
        if (at >= begin + Layout::kWindow) break;
        visit(step, begin, g, i, at);
        ++next[g];
      }
    }
  }
}

size_t step_count(const Lists& lists, size_t k) {
  return for_each_step(lists, k, [](size_t, size_t, size_t, size_t, size_t) {});
}

void fill(const Lists& lists, const int8_t* w, size_t column, size_t columns, size_t k, int8_t* panel) {
  const auto steps = static_cast<uint32_t>(step_count(lists, k));
  const Place place(steps);
  std::memcpy(panel, &steps, sizeof(steps));
  for_each_step(lists, k, [&](size_t step, size_t begin, size_t g, size_t i, size_t at) {
    const auto start = static_cast<uint32_t>(begin);
    std::memcpy(panel + place.start + step * sizeof(start), &start, sizeof(start));
    panel[place.index + step * Layout::kIndexBytes + g * Layout::kDepth + i] =
        static_cast<int8_t>(at - begin);
    int8_t* const weights = panel + Layout::kHead + step * Layout::kWeightBytes;
    for (size_t c = g * Layout::kGroup; c < std::min((g + 1) * Layout::kGroup, columns - column); ++c) {
      weights[c * Layout::kDepth + i] = w[(column + c) * k + at];
    }
  });
}

}  // namespace

Result<SparsePanels> SparsePanels::make(const int8_t* w, size_t columns, size_t k, double most_work) {
  SparsePanels sparse;
  if (k < Layout::kWindow || !may_pay(w, columns, k, most_work)) return sparse;
  size_t size = 0, steps = 0;
  for (size_t column = 0; column < columns; column += Layout::kColumns) {
    const size_t own = step_count(lists_of(w, column, columns, k), k);
    sparse.offsets_.push_back(size);
    size += Place(own).end;
    steps += own;
  }
  const size_t dense = sparse.offsets_.size() * ((k + Layout::kDepth - 1) / Layout::kDepth);
  sparse.work_ = static_cast<double>(steps) / static_cast<double>(dense);
  if (sparse.work_ > most_work) return SparsePanels{};
  AlignedBuffer<int8_t> bytes;
  if (!bytes.allocate(size)) return out_of_memory(size);
  for (size_t column = 0; column < columns; column += Layout::kColumns) {
    fill(lists_of(w, column, columns, k), w, column, columns, k,
         bytes.data() + sparse.offsets_[column / Layout::kColumns]);
  }
  sparse.bytes_ = SharedBuffer<int8_t>(std::move(bytes));
  sparse.bytes_.share();
  return sparse;
}

void SparsePanels::unpack(size_t columns, size_t k, int8_t* w) const noexcept {
  for (size_t column = 0; column < columns; column += Layout::kColumns) {
    const int8_t* const from = panel(column);
    uint32_t steps, start;
    std::memcpy(&steps, from, sizeof(steps));
    const Place place(steps);
    for (size_t step = 0; step < steps; ++step) {
      std::memcpy(&start, from + place.start + step * sizeof(start), sizeof(start));
      const int8_t* const weights = from + Layout::kHead + step * Layout::kWeightBytes;
      const int8_t* const index = from + place.index + step * Layout::kIndexBytes;
      for (size_t i = 0; i < Layout::kWeightBytes; ++i) {
        const size_t c = i / Layout::kDepth;
        const size_t at =
            start + static_cast<size_t>(index[c / Layout::kGroup * Layout::kDepth + i % Layout::kDepth]);
        // Steps are filled up with zeros, which lie where others may have a weight.
        if (weights[i] != 0) w[(column + c) * k + at] = weights[i];
      }
    }
  }
}

}  // namespace requant::gemm
