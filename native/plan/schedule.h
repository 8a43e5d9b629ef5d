// How the work of one call is shared out: the rows in blocks over threads, or, where there are few rows, the
// columns of the wide stages.
#pragma once

#include <span>
#include <vector>

#include "plan/stage.h"

namespace requant::plan {

inline constexpr size_t kTileRows = 6;  // rows of a register tile

/// The decision for one call.
struct Schedule {
  size_t rows = 0;
  size_t blocks = 1;
  size_t threads = 1;       // that the call may use, this one included
  bool by_columns = false;  // the threads share the columns of stages, not the blocks
  double ns = 0;            // about how long one thread would take

  /// Blocks differ by one tile at most; small ones by one row.
  size_t first_row(size_t block) const noexcept;
};

class Scheduler {
 public:
  Scheduler() = default;
  /// `block_rows`: most rows of a block, a multiple of kTileRows.
  Scheduler(std::span<const Value> values, std::span<const std::unique_ptr<Stage>> stages, size_t block_rows);

  /// For rows > 0 on at most `threads` threads.
  Schedule decide(size_t rows, size_t threads) const noexcept;

 private:
  double by_rows_ns(size_t rows, size_t threads) const noexcept;
  double by_columns_ns(size_t rows, size_t threads) const noexcept;

  std::vector<Product> products_;
  gemm::Cost total_;  // products and the rest
  gemm::Cost rest_;
  size_t block_rows_ = kTileRows;
};

}  // namespace requant::plan
