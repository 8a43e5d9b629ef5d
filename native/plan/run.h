// One call of a plan: its blocks of rows, on one thread or several.
#pragma once

#include <atomic>
#include <mutex>

#include "plan/plan.h"

namespace requant::plan {

/// What ends a run early. Threads report in any order; the smallest row that holds NaN counts.
class Failure {
 public:
  /// A block that begins at `row` need not run any more.
  bool settles(size_t row) const noexcept {
    return over_.load(std::memory_order_relaxed) || nan_row_.load(std::memory_order_relaxed) <= row;
  }
  bool any() const noexcept {
    return over_.load(std::memory_order_relaxed) || nan_row_.load(std::memory_order_relaxed) != SIZE_MAX;
  }
  void report_nan(NanPosition nan) noexcept;
  void report(Code code) noexcept;
  Status status(const Plan& plan) const;

 private:
  std::atomic<bool> over_{false};  // cancelled or out of memory
  std::atomic<size_t> nan_row_{SIZE_MAX};
  mutable std::mutex mutex_;
  Code code_ = Code::ok;
  NanPosition nan_;  // row of the call
};

class Run {
 public:
  Run(const Plan& plan, const RunRequest& request, const Schedule& schedule) noexcept
      : plan_(plan), request_(request), schedule_(schedule) {}

  Status execute();

 private:
  /// Runs the blocks that next(block) gives, in an arena of this thread.
  template <class Next>
  void run_blocks(Next next) noexcept;
  void run_block(Arena& arena, size_t block) noexcept;
  void read_input(const Block& block, size_t row, std::byte** data) const noexcept;
  void write_output(const Block& block, size_t row) const noexcept;
  void write_taps(const Block& block, size_t row) const noexcept;
  bool output_is_direct() const noexcept;

  const Plan& plan_;
  const RunRequest& request_;
  const Schedule schedule_;
  parallel::Crew column_crew_;
  Failure failure_;
};

}  // namespace requant::plan
