#include "plan/schedule.h"

#include <algorithm>

#include "gemm/crew.h"

namespace requant::plan {
namespace {

/// What is not a product (conversions, activations): a nanosecond for some values.
constexpr double kValueNs = 0.15;
/// Shorter calls are never shared.
constexpr double kWorthSharingNs = 2 * gemm::kShareNs;
/// Rows need one fork and columns one a stage: columns must be this much better.
constexpr double kColumnsBetter = 0.9;
/// Smaller blocks would be bound by reading the weights, and two of them take longer than both together.
constexpr size_t kLeastBlockRows = 4;
/// Blocks a thread should get where they stay large enough: who comes late takes fewer of them.
constexpr size_t kBlocksPerThread = 4;
constexpr size_t kGoodBlockRows = 24;

constexpr size_t ceil_divide(size_t a, size_t b) noexcept { return (a + b - 1) / b; }

}  // namespace

size_t Schedule::first_row(size_t block) const noexcept {
  if (block == 0) return 0;
  if (block == blocks) return rows;
  // Few rows a block: the kernels split them evenly, and no thread should get a tile more than another.
  const bool by_row = threads > 1 && rows < blocks * kGoodBlockRows;
  const size_t unit = by_row ? 1 : kTileRows;
  const size_t units = ceil_divide(rows, unit);
  return std::min((units / blocks * block + std::min(block, units % blocks)) * unit, rows);
}

Scheduler::Scheduler(std::span<const Value> values, std::span<const std::unique_ptr<Stage>> stages,
                     size_t block_rows)
    : block_rows_(block_rows) {
  for (const Value& value : values) rest_.per_row += kValueNs * static_cast<double>(value.features);
  total_ = rest_;
  for (const auto& stage : stages) {
    const Product product = stage->product();
    if (product.panels == 0) continue;
    products_.push_back(product);
    total_ = total_ + product.cost;
  }
}

double Scheduler::by_rows_ns(size_t rows, size_t threads) const noexcept {
  return total_.of(ceil_divide(rows, threads)) + gemm::kShareNs;
}

double Scheduler::by_columns_ns(size_t rows, size_t threads) const noexcept {
  double ns = rest_.of(rows);
  for (const Product& product : products_) {
    const double alone = product.cost.of(rows);
    const size_t chunks = gemm::column_chunks(product.panels, alone, threads);
    const size_t panels_a_thread = ceil_divide(product.panels, std::min(chunks, threads));
    ns += alone * static_cast<double>(panels_a_thread) / static_cast<double>(product.panels);
    if (chunks > 1) ns += gemm::kShareNs;
  }
  return ns;
}

Schedule Scheduler::decide(size_t rows, size_t threads) const noexcept {
  Schedule s{.rows = rows,
             .blocks = rows <= block_rows_ ? 1 : ceil_divide(rows, block_rows_),
             .ns = total_.of(rows)};
  if (threads == 1 || s.ns < kWorthSharingNs) return s;

  const size_t row_threads = std::clamp<size_t>(rows / kLeastBlockRows, 1, threads);
  const double by_rows = by_rows_ns(rows, row_threads);
  const bool many_rows = rows >= threads * kGoodBlockRows;
  const double otherwise = row_threads == 1 ? s.ns : std::min(kColumnsBetter * by_rows, s.ns);
  if (!many_rows && by_columns_ns(rows, threads) < otherwise) {
    s.threads = threads;
    s.by_columns = true;
    return s;
  }
  if (row_threads == 1 || by_rows >= s.ns) return s;
  // As many blocks for each thread.
  const size_t fine = std::min(kBlocksPerThread * row_threads, rows / kGoodBlockRows);
  const size_t blocks = std::max({s.blocks, fine, row_threads});
  s.blocks = std::min(ceil_divide(blocks, row_threads) * row_threads, rows);
  s.threads = row_threads;
  return s;
}

}  // namespace requant::plan
