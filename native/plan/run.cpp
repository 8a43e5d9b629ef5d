#include "plan/run.h"

#include <algorithm>
#include <cstring>

namespace requant::plan {
namespace {

void flip_sign(const uint8_t* from, size_t count, uint8_t* to) noexcept {
  std::transform(from, from + count, to, [](uint8_t v) { return static_cast<uint8_t>(v ^ 0x80); });
}

}  // namespace

void Failure::report_nan(NanPosition nan) noexcept {
  const std::lock_guard lock(mutex_);
  if (nan_.found && nan_.row <= nan.row) return;
  nan_ = nan;
  nan_row_.store(nan.row, std::memory_order_relaxed);
}

void Failure::report(Code code) noexcept {
  const std::lock_guard lock(mutex_);
  code_ = code;
  over_.store(true, std::memory_order_relaxed);
}

Status Failure::status(const Plan& plan) const {
  const std::lock_guard lock(mutex_);
  if (code_ == Code::cancelled) return {code_, "cancelled"};
  if (code_ != Code::ok) return {code_, "expected memory for a run but the system refused"};
  return {Code::nan_input, "expected numbers but received NaN at row " + std::to_string(nan_.row) +
                               ", column " + std::to_string(nan_.column) + " of '" +
                               plan.values()[nan_.value].name + "'"};
}

Status Run::execute() {
  const size_t helpers = schedule_.threads - 1;
  parallel::Pool* const pool = plan_.pool_;
  const bool wake = helpers != 0 && pool->worth_waking(helpers, schedule_.ns);
  if (helpers != 0 && !schedule_.by_columns && schedule_.blocks <= parallel::ForkSlot::kMaxChunks) {
    auto body = [this](parallel::Share& share) noexcept {
      run_blocks([&](size_t& block) { return share.next(block); });
    };
    pool->fork(schedule_.blocks, {helpers, wake}, body);
  } else {
    if (schedule_.by_columns) column_crew_ = {pool, {helpers, wake}};
    size_t done = 0;
    run_blocks([&](size_t& block) { return (block = done++) < schedule_.blocks; });
  }
  return failure_.any() ? failure_.status(plan_) : Status{};
}

template <class Next>
void Run::run_blocks(Next next) noexcept {
  const ArenaLease lease(plan_.arenas_, plan_.arena_bytes_, plan_.values_.size());
  if (lease.get() == nullptr) failure_.report(Code::memory);
  for (size_t block; next(block);) {
    if (request_.cancel != nullptr && request_.cancel->load(std::memory_order_relaxed))
      failure_.report(Code::cancelled);
    if (!failure_.settles(schedule_.first_row(block))) run_block(*lease.get(), block);
  }
}

void Run::run_block(Arena& arena, size_t index) noexcept {
  const size_t row = schedule_.first_row(index);
  std::byte* const memory = arena.memory.data();
  std::byte** const data = arena.data.data();
  for (ValueId id = 0; id < arena.data.size(); ++id) data[id] = memory + plan_.offsets_[id];
  NanPosition nan;
  const Block block{plan_.kernel_,
                    plan_.values_,
                    data,
                    memory + plan_.scratch_offset_,
                    schedule_.first_row(index + 1) - row,
                    request_.nan_is_zero,
                    nan,
                    column_crew_};
  if (output_is_direct()) {
    data[plan_.output_.value] = static_cast<std::byte*>(request_.output) +
                                row * plan_.values_[plan_.output_.value].features * sizeof(float);
  }
  read_input(block, row, data);
  // A NaN does not end the block: an earlier row may meet a later stage with one.
  for (const auto& stage : plan_.stages_) stage->run(block);
  if (nan.found) {
    nan.row += row;
    return failure_.report_nan(nan);
  }
  if (!output_is_direct()) write_output(block, row);
  write_taps(block, row);
}

/// Float rows leave straight into the caller's memory. An input that is also the output is copied at the end.
bool Run::output_is_direct() const noexcept {
  const ValueId output = plan_.output_.value;
  return output != plan_.input_.value && request_.output_element == Element::f32 &&
         plan_.values_[output].type == ValueType::f32;
}

/// Rows of the kind the plan works on are read where they lie; others are converted into the arena.
void Run::read_input(const Block& block, size_t row, std::byte** data) const noexcept {
  const size_t features = plan_.values_[plan_.input_.value].features;
  const auto* from =
      static_cast<const std::byte*>(request_.input) + row * features * element_bytes(request_.input_element);
  auto* to = reinterpret_cast<uint8_t*>(data[plan_.input_.value]);
  const bool wants_codes = plan_.values_[plan_.input_.value].type == ValueType::u8;
  if (wants_codes && request_.input_element == Element::f32) {
    const MatrixView<const float> x{reinterpret_cast<const float*>(from), block.rows, features, features};
    quantize_block(block, x, plan_.input_.grid, plan_.input_.value, to);
  } else if (request_.input_element == Element::s8) {
    flip_sign(reinterpret_cast<const uint8_t*>(from), block.rows * features, to);
  } else {
    // Stages only read their inputs, and no stage writes the plan's input.
    data[plan_.input_.value] = const_cast<std::byte*>(from);
  }
}

void Run::write_output(const Block& block, size_t row) const noexcept {
  const size_t features = plan_.values_[plan_.output_.value].features;
  const size_t count = block.rows * features;
  auto* to =
      static_cast<std::byte*>(request_.output) + row * features * element_bytes(request_.output_element);
  const std::byte* from = block.data[plan_.output_.value];
  if (plan_.values_[plan_.output_.value].type == ValueType::u8 && request_.output_element == Element::f32) {
    dequantize_block(plan_.kernel_, block.view<const uint8_t>(plan_.output_.value), plan_.output_.grid,
                     reinterpret_cast<float*>(to));
  } else if (request_.output_element == Element::s8) {
    flip_sign(reinterpret_cast<const uint8_t*>(from), count, reinterpret_cast<uint8_t*>(to));
  } else {
    std::memcpy(to, from, count * element_bytes(request_.output_element));
  }
}

void Run::write_taps(const Block& block, size_t row) const noexcept {
  for (const Tap& tap : request_.taps) {
    const Value& value = plan_.values_[tap.value];
    const size_t row_bytes = value.features * value_bytes(value.type);
    std::memcpy(tap.out + row * row_bytes, block.data[tap.value], block.rows * row_bytes);
  }
}

}  // namespace requant::plan
