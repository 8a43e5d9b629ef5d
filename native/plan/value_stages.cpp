#include "plan/value_stages.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/aligned_buffer.h"
#include "ops/elementwise.h"
#include "ops/float_grid.h"
#include "ops/softmax.h"

namespace requant::plan {
namespace {

class Quantize final : public Stage {
 public:
  Quantize(ValueId input, ValueId output, Grid grid) : Stage({input}, output), grid_(std::move(grid)) {}
  void run(const Block& block) const noexcept override {
    quantize_block(block, block.view<const float>(input()), grid_, input(),
                   block.view<uint8_t>(output()).data);
  }

 private:
  Grid grid_;
};

class Dequantize final : public Stage {
 public:
  Dequantize(ValueId input, ValueId output, Grid grid) : Stage({input}, output), grid_(std::move(grid)) {}
  void run(const Block& block) const noexcept override {
    dequantize_block(block.kernel, block.view<const uint8_t>(input()), grid_,
                     block.view<float>(output()).data);
  }

 private:
  Grid grid_;
};

class RoundToGrid final : public Stage {
 public:
  RoundToGrid(ValueId input, ValueId output, const FloatGrid& grid) : Stage({input}, output), grid_(grid) {}
  void run(const Block& block) const noexcept override {
    const auto x = block.view<const float>(input());
    const size_t count = x.rows * x.cols;
    float* y = block.view<float>(output()).data;
    if (!block.kernel.vector->round_to_grid({x.data, count, grid_, true, y})) return;
    ops::replace_nan({x.data, count}, 0.0F, y);
    record_nan(block, x, input());
  }

 private:
  FloatGrid grid_;
};

class Elementwise final : public Stage {
 public:
  Elementwise(ValueId input, ValueId output, arith::Elementwise function, arith::ElementwiseParams params)
      : Stage({input}, output), function_(function), params_(params) {}
  void run(const Block& block) const noexcept override {
    const auto x = block.view<const float>(input());
    ops::elementwise(function_, params_, x.data, block.view<float>(output()).data, x.rows * x.cols);
  }

 private:
  arith::Elementwise function_;
  arith::ElementwiseParams params_;
};

class Lookup final : public Stage {
 public:
  Lookup(kernels::LookupFn lookup, ValueId input, ValueId output, std::span<const uint8_t, 256> table)
      : Stage({input}, output), lookup_(lookup) {
    std::copy(table.begin(), table.end(), table_.begin());
  }
  void run(const Block& block) const noexcept override {
    const auto x = block.view<const uint8_t>(input());
    lookup_({x.data, x.rows * x.cols, table_.data(), block.view<uint8_t>(output()).data});
  }
  size_t bytes() const noexcept override { return sizeof(table_); }

 private:
  kernels::LookupFn lookup_;
  alignas(kAlignment) std::array<uint8_t, 256> table_;
};

class Softmax final : public Stage {
 public:
  Softmax(ValueId input, ValueId output, bool logarithm)
      : Stage({input}, output), row_function_(logarithm ? ops::log_softmax : ops::softmax) {}
  void run(const Block& block) const noexcept override {
    const auto x = block.view<const float>(input());
    const auto y = block.view<float>(output());
    for (size_t r = 0; r < x.rows; ++r) row_function_(x.row(r), x.cols, y.row(r));
  }

 private:
  void (*row_function_)(const float*, size_t, float*) noexcept;
};

class Add final : public Stage {
 public:
  Add(ValueId a, ValueId b, ValueId output) : Stage({a, b}, output) {}
  void run(const Block& block) const noexcept override {
    const auto a = block.view<const float>(inputs()[0]);
    const auto b = block.view<const float>(inputs()[1]);
    float* y = block.view<float>(output()).data;
    for (size_t i = 0; i < a.rows * a.cols; ++i) y[i] = a.data[i] + b.data[i];
  }
};

class Concat final : public Stage {
 public:
  Concat(std::vector<ValueId> inputs, ValueId output) : Stage(std::move(inputs), output) {}
  void run(const Block& block) const noexcept override {
    const size_t element = value_bytes(block.values[output()].type);
    const size_t row_bytes = block.values[output()].features * element;
    size_t column = 0;
    for (const ValueId id : inputs()) {
      const size_t bytes = block.values[id].features * element;
      for (size_t r = 0; r < block.rows; ++r) {
        std::memcpy(block.data[output()] + r * row_bytes + column, block.data[id] + r * bytes, bytes);
      }
      column += bytes;
    }
  }
};

}  // namespace

std::unique_ptr<Stage> make_quantize(ValueId input, ValueId output, Grid grid) {
  return std::make_unique<Quantize>(input, output, std::move(grid));
}
std::unique_ptr<Stage> make_dequantize(ValueId input, ValueId output, Grid grid) {
  return std::make_unique<Dequantize>(input, output, std::move(grid));
}
std::unique_ptr<Stage> make_round_to_grid(ValueId input, ValueId output, const FloatGrid& grid) {
  return std::make_unique<RoundToGrid>(input, output, grid);
}
std::unique_ptr<Stage> make_elementwise(ValueId input, ValueId output, arith::Elementwise function,
                                        arith::ElementwiseParams params) {
  return std::make_unique<Elementwise>(input, output, function, params);
}
std::unique_ptr<Stage> make_lookup(kernels::LookupFn lookup, ValueId input, ValueId output,
                                   std::span<const uint8_t, 256> table) {
  return std::make_unique<Lookup>(lookup, input, output, table);
}
std::unique_ptr<Stage> make_softmax(ValueId input, ValueId output, bool logarithm) {
  return std::make_unique<Softmax>(input, output, logarithm);
}
std::unique_ptr<Stage> make_add(ValueId a, ValueId b, ValueId output) {
  return std::make_unique<Add>(a, b, output);
}
std::unique_ptr<Stage> make_concat(std::vector<ValueId> inputs, ValueId output) {
  return std::make_unique<Concat>(std::move(inputs), output);
}

}  // namespace requant::plan
