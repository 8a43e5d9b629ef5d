// One step of a plan: reads values, writes one value, for a block of rows at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/matrix_view.h"
#include "gemm/cost.h"
#include "gemm/packed_weights.h"
#include "kernels/kernel.h"
#include "parallel/pool.h"

namespace requant::plan {

/// Codes inside a plan are unsigned bytes; int8 codes travel as code + 128.
enum class ValueType : uint8_t { f32, u8 };

constexpr size_t value_bytes(ValueType type) noexcept { return type == ValueType::f32 ? 4 : 1; }

struct Value {
  std::string name;
  size_t features = 0;
  ValueType type = ValueType::f32;
};

using ValueId = size_t;

/// Where a NaN met an integer stage: the first row of the block that holds one, and the first stage it met.
struct NanPosition {
  bool found = false;
  size_t row = 0;
  size_t column = 0;
  ValueId value = 0;
};

/// What a stage sees of a block: where each value's rows lie, row-major without gaps.
struct Block {
  const kernels::KernelSet& kernel;
  const std::vector<Value>& values;
  std::byte* const* data;  // by ValueId
  std::byte* scratch;      // scratch_bytes(rows) of the stage, 64-byte aligned
  size_t rows;
  bool nan_is_zero;  // else a NaN that meets an integer stage is recorded in `nan`
  NanPosition& nan;
  parallel::Crew crew{};  // who may share the columns of a stage

  template <class T>
  MatrixView<T> view(ValueId id) const noexcept {
    const size_t features = values[id].features;
    return {reinterpret_cast<T*>(data[id]), rows, features, features};
  }
};

/// How long a stage's product takes, and how many column panels it could be cut into.
struct Product {
  gemm::Cost cost;
  size_t panels = 0;
};

class Stage {
 public:
  Stage(std::vector<ValueId> inputs, ValueId output) : inputs_(std::move(inputs)), output_(output) {}
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  virtual ~Stage() = default;

  virtual void run(const Block& block) const noexcept = 0;
  virtual size_t scratch_bytes(size_t /*rows*/) const noexcept { return 0; }
  /// The product of this stage, if it is one.
  virtual Product product() const noexcept { return {}; }
  /// Its packed int8 weights, if it has some.
  virtual const gemm::PackedWeights* weights() const noexcept { return nullptr; }
  /// Memory this stage owns: packed weights, parameters, tables.
  virtual size_t bytes() const noexcept { return 0; }

  const std::vector<ValueId>& inputs() const noexcept { return inputs_; }
  ValueId output() const noexcept { return output_; }

 protected:
  ValueId input() const noexcept { return inputs_.front(); }

 private:
  std::vector<ValueId> inputs_;
  ValueId output_;
};

}  // namespace requant::plan
