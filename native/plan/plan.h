// A whole MLP as one program. Immutable once built; any number of threads may run it at the same time.
//
// The batch is cut into blocks of rows whose values fit in the cache, and each block runs through all stages
// before the next one starts. Values live in an arena; those that are never alive together share memory.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/status.h"
#include "plan/grid.h"
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
  std::vector<Tap> taps;
};

class Plan {
 public:
  Plan(const kernels::KernelSet& kernel, std::vector<Value> values,
       std::vector<std::unique_ptr<Stage>> stages, Port input, Port output, bool observable);

  Status run(const RunRequest& request) const;

  const std::vector<Value>& values() const noexcept { return values_; }
  const std::vector<std::unique_ptr<Stage>>& stages() const noexcept { return stages_; }
  const Port& input() const noexcept { return input_; }
  const Port& output() const noexcept { return output_; }
  /// Weights, parameters and tables; without arenas.
  size_t bytes() const noexcept;

 private:
  /// What one run needs: the values' memory and where each value lies. Kept for the next run.
  struct Arena {
    AlignedBuffer<std::byte> memory;
    std::vector<std::byte*> data;  // by ValueId
  };
  class ArenaLease;

  void place_values(bool observable);
  Status check(const RunRequest& request, size_t rows) const;
  Status run_blocks(const RunRequest& request, size_t rows, Arena& arena) const;
  void read_input(const RunRequest& request, const Block& block, size_t row, std::byte** data) const noexcept;
  void write_output(const RunRequest& request, const Block& block, size_t row) const noexcept;

  const kernels::KernelSet& kernel_;
  std::vector<Value> values_;
  std::vector<std::unique_ptr<Stage>> stages_;
  Port input_, output_;
  size_t block_rows_ = 1;
  std::vector<size_t> offsets_;  // of each value's block in the arena
  size_t scratch_offset_ = 0;
  size_t arena_bytes_ = 0;

  mutable std::mutex arenas_mutex_;
  mutable std::vector<Arena> idle_arenas_;
};

}  // namespace requant::plan
