// One layer of a network that is trained with integers: weights, what a batch leaves in it, and the work on
// one group of kColumnPad columns, which threads share. Nothing here computes with floats.
//
//   a  inputs, codes 0…127 (the network's: bytes less a zero point of 0 or 128);  t  int8 weights;  e  int8
//   errors forward   acc[rows, out] = a·tᵀ + bias      columns are outputs, k the inputs backward  E[rows,
//   in] = e·t                 columns are inputs, k the outputs gradient  G[out, in] = eᵀ·a columns are
//   inputs, k the rows
#pragma once

#include <span>

#include "base/aligned_buffer.h"
#include "kernels/kernel.h"
#include "training/integer_operand.h"

namespace requant::training {

struct IntegerLayerSpec {
  size_t in = 0, out = 0;
  int32_t limit = 0;       // of stored weights
  int32_t code_shift = 0;  // t = clamp(rne(stored, code_shift), ±127)
  int32_t exponent = 0;    // of t: its value is t·2^exponent
  int32_t shift = 0;       // of the activation, to begin with
};

/// What decides an update, the same for all weights of a layer.
struct IntegerUpdate {
  int32_t shift = 0;
  uint32_t layer = 0, step = 0;
  uint32_t key[2] = {};
};

class IntegerLayer {
 public:
  struct Role {
    bool first = false;           // its inputs are the network's
    bool raised_inputs = false;   // whose zero point is 128
    bool keeps_gradient = false;  // until its largest is known
  };
  [[nodiscard]] bool allocate(const kernels::KernelSet& set, const IntegerLayerSpec& spec, size_t most_rows,
                              Role role) noexcept;

  const IntegerLayerSpec& spec() const noexcept { return spec_; }
  size_t in_groups() const noexcept { return blocks_of(spec_.in); }
  size_t out_groups() const noexcept { return blocks_of(spec_.out); }

  /// [out, in]
  void read(int32_t* weights, int32_t* bias) const noexcept;
  /// Whether weights are within ±limit and biases within ±2^30.
  bool takes(const int32_t* weights, const int32_t* bias) const noexcept;
  void write(const int32_t* weights, const int32_t* bias) noexcept;

  // Before the groups of a batch.
  void set_rows(size_t rows) noexcept;
  /// bias = rne(b · 2^exponent)
  void set_bias(int32_t exponent) noexcept;

  /// The first layer's inputs: rows of bytes, [·, in].
  void load_group(size_t group, const uint8_t* codes, std::span<const uint32_t> rows, bool training) noexcept;

  /// acc of a group of outputs into `accumulators`: the last layer's logits.
  void forward_group(size_t group) noexcept;
  /// acc of a group of outputs → the next layer's inputs. Returns how many were clipped.
  uint64_t forward_group(size_t group, int32_t shift, IntegerLayer& next, bool training) noexcept;

  /// Errors of a group of inputs, into `accumulators` of the layer before, masked; the largest of them.
  uint32_t backward_group(size_t group, IntegerLayer& before, uint8_t needed) noexcept;
  /// Errors of a group of outputs → codes.
  void round_group(size_t group, int32_t shift, uint8_t needed) noexcept;

  /// The gradient of a group of inputs, kept; its largest.
  uint32_t gradient_group(size_t group) noexcept;
  /// Updates weights of a group of inputs by the gradient that is kept, or else made here.
  void update_group(size_t group, const IntegerUpdate& update) noexcept;
  /// b −= rne(Σ e · 2^exponent)
  void update_bias(int32_t exponent) noexcept;

  /// [rows, out]: the last layer's logits, then errors.
  MatrixView<int32_t> accumulators() noexcept { return {acc_.data(), rows_, spec_.out, out_stride()}; }

 private:
  int16_t* stored_block(size_t group, size_t block) noexcept {
    return stored_.data() + (group * out_groups() + block) * kBlock * kBlock;
  }
  size_t in_stride() const noexcept { return padded(spec_.in); }
  size_t out_stride() const noexcept { return padded(spec_.out); }

  void take_inputs(size_t group, uint8_t flip) noexcept;
  bool allocate_lowered() noexcept;
  const int32_t* forward_bias(size_t group) noexcept;
  void multiply(MatrixView<const uint8_t> a, const IntegerOperand& operand, size_t group,
                kernels::Epilogue epilogue, int32_t* out, size_t out_stride) const noexcept;
  void multiply_gradient(size_t group, size_t block, int32_t* out, size_t out_stride) const noexcept;
  void update_block(size_t group, size_t block, const IntegerUpdate& update, const int32_t* gradient,
                    size_t stride) noexcept;
  void pack_block(size_t group, size_t block, size_t rows, const int8_t* codes) noexcept;

  const kernels::KernelSet* set_ = nullptr;
  IntegerLayerSpec spec_;
  Role role_;
  size_t rows_ = 0;

  AlignedBuffer<int16_t> stored_;  // [in group][out group][64 outputs][64 inputs]: an update reads on
  AlignedBuffer<int32_t> bias_;    // [out stride]
  IntegerOperand forward_, backward_;
  AlignedBuffer<int32_t> forward_sums_;      // [in group][out stride]: Σ of t over the group
  AlignedBuffer<int32_t> backward_sums_;     // [out group][in stride]
  AlignedBuffer<int32_t> accumulator_bias_;  // [out stride], scaled to the accumulators
  AlignedBuffer<int32_t> forward_bias_;      // and less what raised inputs add
  AlignedBuffer<int32_t> backward_bias_;     // [in stride]

  AlignedBuffer<uint8_t> inputs_;  // [rows, in stride]
  IntegerOperand input_operand_;
  AlignedBuffer<int32_t> gradient_bias_;  // [in stride]
  AlignedBuffer<int32_t> lowered_;        // [in stride]: 128 where the operand holds bytes less 128 for bytes

  AlignedBuffer<int32_t> acc_;            // [rows, out stride]: logits, then errors
  AlignedBuffer<uint8_t> passes_;         // [rows, out stride]
  AlignedBuffer<uint8_t> errors_;         // [rows, out stride], raised by 128
  AlignedBuffer<uint8_t> errors_by_row_;  // [out stride, rows]
  size_t row_stride_ = 0;                 // of errors_by_row_
  AlignedBuffer<int32_t> error_sums_;     // [out stride]
  AlignedBuffer<int32_t> gradient_;       // [out, in stride] where it is kept
};

}  // namespace requant::training
