// A whole MLP as one program. Immutable once built; any number of threads may run it at the same time.
//
// The batch is cut into blocks of rows whose values fit in the cache, and each block runs through all stages
// before the next one starts. Threads take blocks and need no barrier between stages; where the rows are few
// they share the columns of a stage. Values live in an arena, one a thread; those that are never alive
// together share memory.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "parallel/pool.h"
#include "plan/arenas.h"
#include "plan/grid.h"
#include "plan/schedule.h"
#include "plan/stage.h"

namespace requant::plan {

/// Element types at the border of a plan.
enum class Element : uint8_t { f32, u8, s8 };

constexpr size_t element_bytes(Element element) noexcept { return element == Element::f32 ? 4 : 1; }

/// Where rows enter or leave: the value, the type of its codes there, and their grid (u8 domain; codes only).
struct Port {
  ValueId value = 0;
  Element element = Element::f32;
  Grid grid;
};

/// Where a run shows a value: [rows, features] of the value's own type.
struct Tap {
  ValueId value;
  std::byte* out;
};

struct RunRequest {
  const void* input = nullptr;
  Element input_element = Element::f32;
  size_t input_size = 0;  // elements
  void* output = nullptr;
  Element output_element = Element::f32;
  size_t output_size = 0;
  bool nan_is_zero = false;
  const std::atomic<bool>* cancel = nullptr;  // looked at before each block of rows
  std::span<const Tap> taps;                  // with taps a run uses one thread
};

struct PlanOptions {
  bool observable = false;         // every value keeps its own memory, so that a run can show them all
  parallel::Pool* pool = nullptr;  // whose threads a run may use beside its own; null: none
  size_t threads = SIZE_MAX;       // most threads of one run
};

class Plan {
 public:
  Plan(const kernels::KernelSet& kernel, std::vector<Value> values,
       std::vector<std::unique_ptr<Stage>> stages, Port input, Port output, const PlanOptions& options);

  Status run(const RunRequest& request) const;

  const std::vector<Value>& values() const noexcept { return values_; }
  const std::vector<std::unique_ptr<Stage>>& stages() const noexcept { return stages_; }
  const Port& input() const noexcept { return input_; }
  const Port& output() const noexcept { return output_; }
  /// The int8 weights by which value `output` is computed; null where there are none.
  const gemm::PackedWeights* weights_of(ValueId output) const noexcept;
  /// Most threads one run uses.
  size_t threads() const noexcept { return threads_; }
  /// Weights, parameters and tables; without arenas.
  size_t bytes() const noexcept;

 private:
  friend class Run;

  void place_values(bool observable);
  Status check(const RunRequest& request, size_t rows) const;

  const kernels::KernelSet& kernel_;
  std::vector<Value> values_;
  std::vector<std::unique_ptr<Stage>> stages_;
  Port input_, output_;
  parallel::Pool* pool_;
  size_t threads_;
  size_t block_rows_;
  Scheduler scheduler_;
  std::vector<size_t> offsets_;  // of each value's block in the arena
  size_t scratch_offset_ = 0;
  size_t arena_bytes_ = 0;
  mutable Arenas arenas_;
};

}  // namespace requant::plan
