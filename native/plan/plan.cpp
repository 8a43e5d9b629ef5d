#include "plan/plan.h"

#include <algorithm>
#include <cstring>

#include "base/overlap.h"
#include "plan/arena_layout.h"

namespace requant::plan {
namespace {

/// A block's values should stay in L2 beside a panel of weights; more rows amortize reading the weights.
constexpr size_t kArenaTarget = size_t{384} << 10;
constexpr size_t kMinBlockRows = 6;   // one register tile
constexpr size_t kMaxBlockRows = 96;  // a multiple of it

size_t choose_block_rows(const std::vector<Value>& values) {
  size_t row_bytes = 0;
  for (const Value& value : values) row_bytes += value.features * value_bytes(value.type);
  const size_t rows = kArenaTarget / std::max<size_t>(row_bytes, 1) / kMinBlockRows * kMinBlockRows;
  return std::clamp(rows, kMinBlockRows, kMaxBlockRows);
}

Status wrong_size(const char* what, size_t features, size_t received) {
  return {Code::shape, std::string("expected ") + what + " of rows of " + std::to_string(features) +
                           " features but received " + std::to_string(received) + " values"};
}

void flip_sign(const uint8_t* from, size_t count, uint8_t* to) noexcept {
  std::transform(from, from + count, to, [](uint8_t v) { return static_cast<uint8_t>(v ^ 0x80); });
}

}  // namespace

Plan::Plan(const kernels::KernelSet& kernel, std::vector<Value> values,
           std::vector<std::unique_ptr<Stage>> stages, Port input, Port output, bool observable)
    : kernel_(kernel),
      values_(std::move(values)),
      stages_(std::move(stages)),
      input_(std::move(input)),
      output_(std::move(output)),
      block_rows_(choose_block_rows(values_)) {
  place_values(observable);
}

void Plan::place_values(bool observable) {
  std::vector<bool> kept(values_.size(), observable);
  kept[output_.value] = true;
  ArenaLayout layout = lay_out(values_, stages_, kept, block_rows_);
  size_t scratch = 0;
  for (const auto& stage : stages_) scratch = std::max(scratch, stage->scratch_bytes(block_rows_));
  offsets_ = std::move(layout.offsets);
  scratch_offset_ = layout.bytes;
  arena_bytes_ = layout.bytes + scratch;
}

size_t Plan::bytes() const noexcept {
  size_t bytes = 0;
  for (const auto& stage : stages_) bytes += stage->bytes();
  return bytes;
}

/// An arena for one run, taken from the idle ones or made; given back at the end.
class Plan::ArenaLease {
 public:
  explicit ArenaLease(const Plan& plan) : plan_(plan) {
    const std::lock_guard lock(plan.arenas_mutex_);
    if (plan.idle_arenas_.empty()) return;
    arena_ = std::move(plan.idle_arenas_.back());
    plan.idle_arenas_.pop_back();
  }
  ~ArenaLease() {
    const std::lock_guard lock(plan_.arenas_mutex_);
    plan_.idle_arenas_.push_back(std::move(arena_));
  }
  ArenaLease(const ArenaLease&) = delete;
  ArenaLease& operator=(const ArenaLease&) = delete;

  bool ready() {
    if (arena_.memory.size() != 0) return true;
    arena_.data.resize(plan_.values_.size());
    return arena_.memory.allocate(std::max<size_t>(plan_.arena_bytes_, 1));
  }
  Arena& arena() noexcept { return arena_; }

 private:
  const Plan& plan_;
  Arena arena_;
};

Status Plan::check(const RunRequest& q, size_t rows) const {
  const size_t in = values_[input_.value].features;
  const size_t out = values_[output_.value].features;
  if (q.input_size != rows * in) return wrong_size("input", in, q.input_size);
  if (q.output_size != rows * out) {
    return {Code::shape, "expected output of length " + std::to_string(rows * out) + " (" +
                             std::to_string(rows) + " rows of " + std::to_string(out) + ") but received " +
                             std::to_string(q.output_size)};
  }
  if (q.input_element != Element::f32 && q.input_element != input_.element) {
    return {Code::dtype, "expected input codes of the model's input type"};
  }
  if (q.output_element != Element::f32 && q.output_element != output_.element) {
    return {Code::dtype, "expected output codes of the model's output type"};
  }
  if (overlap(q.input, q.input_size * element_bytes(q.input_element), q.output,
              q.output_size * element_bytes(q.output_element))) {
    return {Code::argument,
            "expected an output that does not overlap the input but received overlapping memory"};
  }
  return {};
}

Status Plan::run(const RunRequest& q) const {
  const size_t rows = q.input_size / values_[input_.value].features;
  if (Status s = check(q, rows); !s.ok()) return s;
  if (rows == 0) return {};
  ArenaLease lease(*this);
  if (!lease.ready()) return out_of_memory(arena_bytes_);
  return run_blocks(q, rows, lease.arena());
}

Status Plan::run_blocks(const RunRequest& q, size_t rows, Arena& arena) const {
  std::vector<std::byte*>& data = arena.data;
  std::byte* const memory = arena.memory.data();
  for (size_t row = 0; row < rows; row += block_rows_) {
    if (q.cancel != nullptr && q.cancel->load(std::memory_order_relaxed))
      return {Code::cancelled, "cancelled"};
    for (ValueId id = 0; id < data.size(); ++id) data[id] = memory + offsets_[id];
    NanPosition nan;
    const Block block{
        kernel_,       values_, data.data(), memory + scratch_offset_, std::min(block_rows_, rows - row),
        q.nan_is_zero, nan};
    // Float rows leave straight into the caller's memory. An input that is also the output is copied at the
    // end.
    const bool direct = output_.value != input_.value && q.output_element == Element::f32 &&
                        values_[output_.value].type == ValueType::f32;
    if (direct) {
      data[output_.value] = static_cast<std::byte*>(q.output) + row * values_[output_.value].features * 4;
    }
    read_input(q, block, row, data.data());
    for (const auto& stage : stages_) {
      if (nan.found) break;
      stage->run(block);
    }
    if (nan.found) {
      return {Code::nan_input, "expected numbers but received NaN at row " + std::to_string(row + nan.row) +
                                   ", column " + std::to_string(nan.column) + " of '" +
                                   values_[nan.value].name + "'"};
    }
    if (!direct) write_output(q, block, row);
    for (const Tap& tap : q.taps) {
      const size_t row_bytes = values_[tap.value].features * value_bytes(values_[tap.value].type);
      std::memcpy(tap.out + row * row_bytes, data[tap.value], block.rows * row_bytes);
    }
  }
  return {};
}

/// Rows of the kind the plan works on are read where they lie; others are converted into the arena.
void Plan::read_input(const RunRequest& q, const Block& block, size_t row, std::byte** data) const noexcept {
  const size_t features = values_[input_.value].features;
  const auto* from = static_cast<const std::byte*>(q.input) + row * features * element_bytes(q.input_element);
  auto* to = reinterpret_cast<uint8_t*>(data[input_.value]);
  const bool wants_codes = values_[input_.value].type == ValueType::u8;
  if (wants_codes && q.input_element == Element::f32) {
    const MatrixView<const float> x{reinterpret_cast<const float*>(from), block.rows, features, features};
    quantize_block(block, x, input_.grid, input_.value, to);
  } else if (q.input_element == Element::s8) {
    flip_sign(reinterpret_cast<const uint8_t*>(from), block.rows * features, to);
  } else {
    // Stages only read their inputs, and no stage writes the plan's input.
    data[input_.value] = const_cast<std::byte*>(from);
  }
}

void Plan::write_output(const RunRequest& q, const Block& block, size_t row) const noexcept {
  const size_t features = values_[output_.value].features;
  const size_t count = block.rows * features;
  auto* to = static_cast<std::byte*>(q.output) + row * features * element_bytes(q.output_element);
  const std::byte* from = block.data[output_.value];
  if (values_[output_.value].type == ValueType::u8 && q.output_element == Element::f32) {
    dequantize_block(kernel_, block.view<const uint8_t>(output_.value), output_.grid,
                     reinterpret_cast<float*>(to));
  } else if (q.output_element == Element::s8) {
    flip_sign(reinterpret_cast<const uint8_t*>(from), count, reinterpret_cast<uint8_t*>(to));
  } else {
    std::memcpy(to, from, count * element_bytes(q.output_element));
  }
}

}  // namespace requant::plan
