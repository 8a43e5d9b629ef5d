#include "training/integer_layer.h"

#include <algorithm>
#include <cstring>

#include "training/integer_arith.h"

namespace requant::training {
namespace {

/// Rows multiplied at a time: their accumulators of a group stay in the first cache.
constexpr size_t kRowBlock = 2 * kBlock;
/// int8 as u8: codes and errors are raised.
constexpr uint8_t kFlip = 0x80;

/// sums[c] = Σ over rows of parts[row][c]
void add_parts(const int32_t* parts, size_t stride, size_t rows, int32_t* sums) noexcept {
  std::fill_n(sums, kBlock, 0);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < kBlock; ++c) sums[c] += parts[r * stride + c];
  }
}

/// What raising a by 128 adds to an accumulator, taken out.
void less_raised(const int32_t* sums, int32_t* bias) noexcept {
  for (size_t c = 0; c < kBlock; ++c) bias[c] = -128 * sums[c];
}

/// visit(index in [out, in], index of its stored weight, count) for stretches that are one in both.
template <class Visit>
void each_run(const IntegerLayerSpec& spec, Visit visit) noexcept {
  const size_t blocks = blocks_of(spec.out);
  for (size_t o = 0; o < spec.out; ++o) {
    for (size_t i = 0; i < spec.in; i += kBlock) {
      const size_t block = i / kBlock * blocks + o / kBlock;
      visit(o * spec.in + i, (block * kBlock + o % kBlock) * kBlock, std::min(kBlock, spec.in - i));
    }
  }
}

/// int32 accumulators that start from a bias.
kernels::Epilogue from(const int32_t* bias) noexcept {
  kernels::Epilogue epilogue;
  epilogue.bias = bias;
  return epilogue;
}

}  // namespace

bool IntegerLayer::allocate(const kernels::KernelSet& set, const IntegerLayerSpec& spec, size_t most_rows,
                            Role role) noexcept {
  set_ = &set;
  spec_ = spec;
  role_ = role;
  const kernels::WeightLayout& layout = set.qgemm->layout;
  row_stride_ = padded(most_rows);
  // Rows are read by whole blocks when errors are transposed.
  const size_t out_cells = row_stride_ * out_stride();
  const bool backward = role.first || (backward_.allocate(layout, spec.in, spec.out) &&
                                       backward_sums_.allocate(out_groups() * in_stride()) &&
                                       backward_bias_.allocate(in_stride()));
  return backward && stored_.allocate(out_stride() * in_stride()) && bias_.allocate(out_stride()) &&
         forward_.allocate(layout, spec.out, spec.in) && forward_sums_.allocate(in_groups() * out_stride()) &&
         accumulator_bias_.allocate(out_stride()) && forward_bias_.allocate(out_stride()) &&
         inputs_.allocate(most_rows * in_stride()) && input_operand_.allocate(layout, spec.in, most_rows) &&
         gradient_bias_.allocate(in_stride()) && acc_.allocate(out_cells) && passes_.allocate(out_cells) &&
         errors_.allocate(out_cells) && errors_by_row_.allocate(out_cells) &&
         error_sums_.allocate(out_stride()) &&
         (!role.keeps_gradient || gradient_.allocate(spec.out * in_stride())) && allocate_lowered();
}

bool IntegerLayer::allocate_lowered() noexcept {
  if (!role_.first || role_.raised_inputs) return true;
  if (!lowered_.allocate(in_stride())) return false;
  std::fill_n(lowered_.data(), spec_.in, 128);
  return true;
}

void IntegerLayer::read(int32_t* weights, int32_t* bias) const noexcept {
  each_run(spec_, [&](size_t at, size_t stored, size_t count) {
    std::copy_n(stored_.data() + stored, count, weights + at);
  });
  std::copy_n(bias_.data(), spec_.out, bias);
}

bool IntegerLayer::takes(const int32_t* weights, const int32_t* bias) const noexcept {
  const auto within = [](const int32_t* values, size_t count, int32_t bound) {
    return std::all_of(values, values + count, [=](int32_t v) { return v >= -bound && v <= bound; });
  };
  return within(weights, spec_.in * spec_.out, spec_.limit) && within(bias, spec_.out, kMostBias);
}

void IntegerLayer::write(const int32_t* weights, const int32_t* bias) noexcept {
  each_run(spec_, [&](size_t at, size_t stored, size_t count) {
    std::transform(weights + at, weights + at + count, stored_.data() + stored,
                   [](int32_t w) { return static_cast<int16_t>(w); });
  });
  std::copy_n(bias, spec_.out, bias_.data());
  // An update by nothing makes the codes.
  alignas(64) static constexpr int32_t kNothing[kBlock] = {};
  for (size_t group = 0; group < in_groups(); ++group) {
    for (size_t block = 0; block < out_groups(); ++block) update_block(group, block, {}, kNothing, 0);
  }
}

void IntegerLayer::set_rows(size_t rows) noexcept {
  rows_ = rows;
  input_operand_.set_k(rows);
}

void IntegerLayer::set_bias(int32_t exponent) noexcept {
  for (size_t o = 0; o < spec_.out; ++o)
    accumulator_bias_[o] = scale_by_power(bias_[o], exponent, kMostAccumulatorBias);
}

void IntegerLayer::load_group(size_t group, const uint8_t* codes, std::span<const uint32_t> rows,
                              bool training) noexcept {
  const size_t column = group * kBlock;
  const size_t width = std::min(kBlock, spec_.in - column);
  for (size_t r = 0; r < rows.size(); ++r) {
    uint8_t* to = inputs_.data() + r * in_stride() + column;
    std::memcpy(to, codes + rows[r] * spec_.in + column, width);
    // 0 in the gradient's operand, whose bytes are less 128 whatever the zero point.
    std::memset(to + width, kFlip, kBlock - width);
  }
  if (training) take_inputs(group, kFlip);
}

/// Inputs of a group as the gradient's operand.
void IntegerLayer::take_inputs(size_t group, uint8_t flip) noexcept {
  const size_t column = group * kBlock;
  int32_t sums[kBlock] = {};
  for (size_t r = 0; r < rows_; r += kBlock) {
    const MatrixView<const uint8_t> rows{inputs_.data() + r * in_stride() + column,
                                         std::min(kBlock, rows_ - r), kBlock, in_stride()};
    input_operand_.pack_rows(group, r, rows, flip);
    add_column_sums(rows, flip, sums);
  }
  input_operand_.write_head(group, sums);
  less_raised(sums, gradient_bias_.data() + column);
}

void IntegerLayer::multiply(MatrixView<const uint8_t> a, const IntegerOperand& operand, size_t group,
                            kernels::Epilogue epilogue, int32_t* out, size_t out_stride) const noexcept {
  set_->qgemm->panel({a.data, a.stride, operand.group(group), a.rows, operand.k(), group * kBlock, kBlock,
                      &epilogue, out, out_stride});
}

const int32_t* IntegerLayer::forward_bias(size_t group) noexcept {
  if (!role_.raised_inputs && !forward_.has_head()) return accumulator_bias_.data();
  const size_t column = group * kBlock;
  int32_t sums[kBlock];
  add_parts(forward_sums_.data() + column, out_stride(), in_groups(), sums);
  forward_.write_head(group, sums);
  if (!role_.raised_inputs) return accumulator_bias_.data();
  for (size_t c = 0; c < kBlock; ++c)
    forward_bias_[column + c] = accumulator_bias_[column + c] - 128 * sums[c];
  return forward_bias_.data();
}

void IntegerLayer::forward_group(size_t group) noexcept {
  multiply({inputs_.data(), rows_, spec_.in, in_stride()}, forward_, group, from(forward_bias(group)),
           acc_.data() + group * kBlock, out_stride());
}

uint64_t IntegerLayer::forward_group(size_t group, int32_t shift, IntegerLayer& next,
                                     bool training) noexcept {
  alignas(64) int32_t acc[kRowBlock * kBlock];
  const int32_t* bias = forward_bias(group);
  const size_t column = group * kBlock;
  uint64_t clipped = 0;
  for (size_t r = 0; r < rows_; r += kRowBlock) {
    const size_t rows = std::min(kRowBlock, rows_ - r);
    multiply({inputs_.data() + r * in_stride(), rows, spec_.in, in_stride()}, forward_, group, from(bias),
             acc, kBlock);
    const size_t at = r * out_stride() + column;
    clipped += set_->integer->activate(
        {acc, rows, shift, next.inputs_.data() + at, passes_.data() + at, out_stride()});
  }
  if (training) next.take_inputs(group, 0);
  return clipped;
}

uint32_t IntegerLayer::backward_group(size_t group, IntegerLayer& before, uint8_t needed) noexcept {
  const size_t column = group * kBlock;
  int32_t sums[kBlock];
  add_parts(backward_sums_.data() + column, in_stride(), out_groups(), sums);
  backward_.write_head(group, sums);
  less_raised(sums, backward_bias_.data() + column);
  uint32_t most = 0;
  for (size_t r = 0; r < rows_; r += kRowBlock) {
    const size_t rows = std::min(kRowBlock, rows_ - r);
    const size_t at = r * in_stride() + column;
    multiply({errors_.data() + r * out_stride(), rows, spec_.out, out_stride()}, backward_, group,
             from(backward_bias_.data()), before.acc_.data() + at, in_stride());
    most = std::max(most, set_->integer->mask({before.acc_.data() + at, before.passes_.data() + at, rows,
                                               in_stride(), needed}));
  }
  return most;
}

void IntegerLayer::round_group(size_t group, int32_t shift, uint8_t needed) noexcept {
  const size_t column = group * kBlock;
  const uint8_t* passes = needed != 0 ? passes_.data() + column : nullptr;
  set_->integer->round(
      {acc_.data() + column, passes, rows_, out_stride(), shift, needed, errors_.data() + column});
  int32_t* sums = error_sums_.data() + column;
  std::fill_n(sums, kBlock, 0);
  for (size_t r = 0; r < rows_; r += kBlock) {
    const uint8_t* from = errors_.data() + r * out_stride() + column;
    add_column_sums({from, std::min(kBlock, rows_ - r), kBlock, out_stride()}, kFlip, sums);
    transpose_block(from, out_stride(), errors_by_row_.data() + column * row_stride_ + r, row_stride_);
  }
}

void IntegerLayer::multiply_gradient(size_t group, size_t block, int32_t* out,
                                     size_t out_stride) const noexcept {
  const size_t row = block * kBlock;
  kernels::Epilogue epilogue = from(gradient_bias_.data());
  if (lowered_.size() != 0) epilogue.corrections[0] = {error_sums_.data() + row, lowered_.data()};
  multiply({errors_by_row_.data() + row * row_stride_, std::min(kBlock, spec_.out - row), rows_, row_stride_},
           input_operand_, group, epilogue, out, out_stride);
}

uint32_t IntegerLayer::gradient_group(size_t group) noexcept {
  uint32_t most = 0;
  for (size_t block = 0; block < out_groups(); ++block) {
    int32_t* gradient = gradient_.data() + block * kBlock * in_stride() + group * kBlock;
    multiply_gradient(group, block, gradient, in_stride());
    const size_t rows = std::min(kBlock, spec_.out - block * kBlock);
    most = std::max(most, set_->integer->largest(gradient, in_stride(), rows));
  }
  return most;
}

void IntegerLayer::update_group(size_t group, const IntegerUpdate& update) noexcept {
  alignas(64) int32_t made[kBlock * kBlock];
  for (size_t block = 0; block < out_groups(); ++block) {
    if (role_.keeps_gradient) {
      const int32_t* kept = gradient_.data() + block * kBlock * in_stride() + group * kBlock;
      update_block(group, block, update, kept, in_stride());
    } else {
      multiply_gradient(group, block, made, kBlock);
      update_block(group, block, update, made, kBlock);
    }
  }
}

void IntegerLayer::update_block(size_t group, size_t block, const IntegerUpdate& update,
                                const int32_t* gradient, size_t stride) noexcept {
  alignas(64) int8_t codes[kBlock * kBlock];
  const size_t row = block * kBlock;
  const size_t rows = std::min(kBlock, spec_.out - row);
  std::memset(codes + rows * kBlock, 0, (kBlock - rows) * kBlock);
  const kernels::integer::RandomBlock random{static_cast<uint32_t>(group * (kBlock / 4)),
                                             {static_cast<uint32_t>(row), update.layer, update.step},
                                             {update.key[0], update.key[1]}};
  set_->integer->update({gradient, stride, stored_block(group, block), kBlock, rows, update.shift,
                         spec_.limit, spec_.code_shift, random, codes});
  pack_block(group, block, rows, codes);
}

/// Codes of the weights of 64 × 64 inputs and outputs into both operands.
void IntegerLayer::pack_block(size_t group, size_t block, size_t rows, const int8_t* codes) noexcept {
  const size_t in = group * kBlock;
  const size_t out = block * kBlock;
  forward_.pack_columns(block, in, std::min(kBlock, spec_.in - in), {codes, kBlock, kBlock, kBlock});
  if (role_.raised_inputs || forward_.has_head()) {
    int32_t* sums = forward_sums_.data() + group * out_stride() + out;
    for (size_t r = 0; r < rows; ++r) {
      int32_t sum = 0;
      for (size_t c = 0; c < kBlock; ++c) sum += codes[r * kBlock + c];
      sums[r] = sum;
    }
  }
  if (role_.first) return;
  const MatrixView<const uint8_t> by_row{reinterpret_cast<const uint8_t*>(codes), rows, kBlock, kBlock};
  backward_.pack_rows(group, out, by_row, 0);
  int32_t* sums = backward_sums_.data() + block * in_stride() + in;
  std::fill_n(sums, kBlock, 0);
  add_column_sums(by_row, 0, sums);
}

void IntegerLayer::update_bias(int32_t exponent) noexcept {
  for (size_t o = 0; o < spec_.out; ++o) {
    const int64_t step = scale_by_power(error_sums_[o], exponent, kMostBias);
    bias_[o] = static_cast<int32_t>(clamp64(bias_[o] - step, kMostBias));
  }
}

}  // namespace requant::training
