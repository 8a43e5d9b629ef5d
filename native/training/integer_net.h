// A multilayer perceptron (relu between layers) that learns with integers alone: every product is
// int8 × int8 → int32 on the project's kernels, every scale a power of two, and no operation of a step is one
// on floats (test/native/integer_float_trap.cpp). The same bits for every kernel and number of threads.
// Formulas: docs/integer-training.md.
//
//   forward    acc = a·tᵀ + b;  a' = min(rne(max(acc, 0), s), 127)
//   loss       E at the logits
//   backward   e = clamp(rne(E, n), ±127), n from max|E|;  E' = e·t where acc lets it through
//   update     G = eᵀ·a;  stored −= G / 2^d, rounded stochastically;  t = clamp(rne(stored, code shift),
//   ±127)
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "parallel/pool.h"
#include "training/integer_layer.h"
#include "training/integer_loss.h"

namespace requant::training {

enum class IntegerRecipe : uint8_t {
  wage,   // Wu et al. 2018: square error; errors and gradients normalized by their largest; no bias
  block,  // block fixed point: cross-entropy; an exponent a tensor, so that everything keeps its size
};

struct IntegerSpec {
  IntegerRecipe recipe = IntegerRecipe::block;
  std::span<const IntegerLayerSpec> layers;
  size_t most_rows = 1;
  int32_t input_exponent = 0;
  bool raised_inputs = false;  // bytes stand for themselves less 128
  uint32_t key[2] = {};        // of the random words
};

struct IntegerBatch {
  const uint8_t* inputs;   // [·, in]
  const int32_t* targets;  // [·]
  std::span<const uint32_t> rows;
};

class IntegerNet {
 public:
  // What keeps every sum inside int32: 2^15 · 255 · 127 and 2^15 · 127² + 2^28 + … < 2^30.
  static constexpr size_t kMostWidth = size_t{1} << 15;
  static constexpr size_t kMostRows = size_t{1} << 15;

  /// `pool`: who helps; null: nobody. Errors: sizes, memory. Weights are zeros.
  static Result<std::shared_ptr<IntegerNet>> make(const kernels::KernelSet& set, parallel::Pool* pool,
                                                  const IntegerSpec& spec);

  size_t in_features() const noexcept { return layers_.front().spec().in; }
  size_t out_features() const noexcept { return layers_.back().spec().out; }
  size_t most_rows() const noexcept { return most_rows_; }
  std::span<IntegerLayer> layers() const noexcept { return layers_; }
  size_t bytes() const noexcept;

  /// Who works on a batch of so many rows.
  parallel::Crew crew_for(size_t rows) const noexcept;
  /// One update with the learning rate 2^rate; `step` numbers the random words. Rows and targets fit.
  LossResult step(const parallel::Crew& crew, const IntegerBatch& batch, int32_t rate,
                  uint32_t step) noexcept;
  /// The same without an update.
  LossResult judge(const parallel::Crew& crew, const IntegerBatch& batch) noexcept;

  /// What the activations' shifts and the batches since the last look depend on: [batches since, then a
  /// hidden layer: shift (−1: not yet chosen), rows since, clipped codes since (lower and upper 31 bits)].
  size_t state_size() const noexcept { return 1 + kStateOfLayer * (layers_.size() - 1); }
  void read_state(int32_t* state) const noexcept;
  /// False where it is none.
  [[nodiscard]] bool write_state(std::span<const int32_t> state) noexcept;

 private:
  struct Activation {
    int32_t shift = 0;
    uint64_t rows = 0, clipped = 0;
  };
  static constexpr size_t kStateOfLayer = 4;
  /// Of a product, in ns; per row in 2^-10 ns.
  struct Cost {
    uint64_t floor, per_row;
  };

  struct Errors {
    int32_t shift, exponent;
  };
  struct Largest {
    uint32_t error, gradient;
  };
  struct UpdateStep {
    int32_t shift;
    uint32_t number;
  };

  template <class Body>
  void share(size_t tasks, uint64_t ns, Body body) noexcept;
  uint64_t product_ns(size_t index) const noexcept;
  uint64_t values_ns(size_t features) const noexcept;

  void forward(const IntegerBatch& batch, bool training) noexcept;
  void forward_layer(size_t index, bool training) noexcept;
  void choose_shift(size_t index) noexcept;
  LossResult judge_logits(const IntegerBatch& batch) noexcept;
  void backward(int32_t rate, uint32_t step) noexcept;
  Largest multiply_errors(size_t index) noexcept;
  void update(size_t index, UpdateStep step, int32_t error_shift) noexcept;
  void update_bias(size_t index, int32_t error_exponent, int32_t rate) noexcept;
  void look_at_shifts() noexcept;

  bool is_wage() const noexcept { return recipe_ == IntegerRecipe::wage; }
  int32_t error_shift(uint32_t most) const noexcept;
  int32_t update_shift(size_t index, int32_t error_exponent, uint32_t most_gradient,
                       int32_t rate) const noexcept;
  int32_t rows_exponent() const noexcept;

  const kernels::KernelSet* set_ = nullptr;
  parallel::Pool* pool_ = nullptr;
  parallel::Crew crew_;  // of the step
  IntegerRecipe recipe_ = IntegerRecipe::block;
  size_t most_rows_ = 0;
  size_t rows_ = 0;
  uint32_t key_[2] = {};
  std::unique_ptr<IntegerLayer[]> memory_;
  std::span<IntegerLayer> layers_;
  std::vector<Activation> activations_;  // of each layer; the last one's is never used
  std::vector<Cost> costs_;
  std::vector<int32_t> exponents_;  // of each layer's inputs, then of the logits
  int32_t batches_ = 0;             // since the shifts were looked at
};

}  // namespace requant::training
