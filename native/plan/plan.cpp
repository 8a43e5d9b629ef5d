#include "plan/plan.h"

#include <algorithm>

#include "base/overlap.h"
#include "plan/arena_layout.h"
#include "plan/run.h"

namespace requant::plan {
namespace {

/// A block's values should stay in L2 beside a panel of weights; more rows amortize reading the weights.
constexpr size_t kArenaTarget = size_t{384} << 10;
constexpr size_t kMaxBlockRows = 16 * kTileRows;

size_t choose_block_rows(const std::vector<Value>& values) {
  size_t row_bytes = 0;
  for (const Value& value : values) row_bytes += value.features * value_bytes(value.type);
  const size_t rows = kArenaTarget / std::max<size_t>(row_bytes, 1) / kTileRows * kTileRows;
  return std::clamp(rows, kTileRows, kMaxBlockRows);
}

Status wrong_size(const char* what, size_t features, size_t received) {
  return {Code::shape, std::string("expected ") + what + " of rows of " + std::to_string(features) +
                           " features but received " + std::to_string(received) + " values"};
}

}  // namespace

Plan::Plan(const kernels::KernelSet& kernel, std::vector<Value> values,
           std::vector<std::unique_ptr<Stage>> stages, Port input, Port output, const PlanOptions& options)
    : kernel_(kernel),
      values_(std::move(values)),
      stages_(std::move(stages)),
      input_(std::move(input)),
      output_(std::move(output)),
      pool_(options.pool),
      threads_(pool_ == nullptr ? 1 : std::clamp<size_t>(options.threads, 1, pool_->threads())),
      block_rows_(choose_block_rows(values_)),
      scheduler_(values_, stages_, block_rows_) {
  place_values(options.observable);
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

const gemm::PackedWeights* Plan::weights_of(ValueId output) const noexcept {
  for (const auto& stage : stages_)
    if (stage->output() == output) return stage->weights();
  return nullptr;
}

size_t Plan::bytes() const noexcept {
  size_t bytes = 0;
  for (const auto& stage : stages_) bytes += stage->bytes();
  return bytes;
}

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
  return Run(*this, q, scheduler_.decide(rows, q.taps.empty() ? threads_ : 1)).execute();
}

}  // namespace requant::plan
