#include "training/integer_net.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "gemm/cost.h"
#include "training/integer_arith.h"

namespace requant::training {
namespace {

using kernels::integer::kPositive;
using kernels::integer::kUnclipped;

/// Of the biases' unit.
constexpr int32_t kBiasExponent = -20;
/// Batches between two looks at the activations' shifts.
constexpr int32_t kLook = 64;
/// More than this share of clipped codes raises a shift, less than that lowers it.
constexpr uint64_t kMostClipped = 512, kFewClipped = 8192;
constexpr int32_t kMostShift = 22;  // 127 << 22 < 2^30

/// The largest of what threads find.
class Most {
 public:
  void add(uint32_t value) noexcept {
    uint32_t seen = value_.load(std::memory_order_relaxed);
    while (value > seen && !value_.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
  }
  uint32_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> value_{0};
};

Status check(const IntegerSpec& spec) {
  const auto fits = [](size_t n) { return n >= 1 && n <= IntegerNet::kMostWidth; };
  for (const IntegerLayerSpec& layer : spec.layers) {
    if (!fits(layer.in) || !fits(layer.out))
      return {Code::argument, "expected widths in [1, " + std::to_string(IntegerNet::kMostWidth) + "]"};
  }
  if (spec.layers.empty() || spec.most_rows < 1 || spec.most_rows > IntegerNet::kMostRows)
    return {Code::argument,
            "expected layers and batches of at most " + std::to_string(IntegerNet::kMostRows) + " rows"};
  return {};
}

}  // namespace

Result<std::shared_ptr<IntegerNet>> IntegerNet::make(const kernels::KernelSet& set, parallel::Pool* pool,
                                                     const IntegerSpec& spec) {
  if (Status s = check(spec); !s.ok()) return s;
  auto net = std::make_shared<IntegerNet>();
  net->set_ = &set;
  net->pool_ = pool;
  net->recipe_ = spec.recipe;
  net->most_rows_ = spec.most_rows;
  std::copy_n(spec.key, 2, net->key_);
  net->memory_ = std::make_unique<IntegerLayer[]>(spec.layers.size());
  net->layers_ = {net->memory_.get(), spec.layers.size()};
  net->exponents_.assign(spec.layers.size() + 1, spec.input_exponent);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const IntegerLayerSpec& layer = spec.layers[i];
    const IntegerLayer::Role role{i == 0, i == 0 && spec.raised_inputs, net->is_wage()};
    if (!net->layers_[i].allocate(set, layer, spec.most_rows, role))
      return out_of_memory(layer.in * layer.out);
    net->activations_.push_back({layer.shift});
    // Costs are floats: what a step needs of them it has as integers.
    const gemm::Cost cost = gemm::product_cost(set.qgemm->layout.wide, layer.in, layer.out);
    net->costs_.push_back({static_cast<uint64_t>(cost.floor), static_cast<uint64_t>(cost.per_row * 1024)});
  }
  return net;
}

size_t IntegerNet::bytes() const noexcept {
  size_t bytes = 0;
  for (const IntegerLayer& layer : layers_) {
    const auto& [in, out, limit, code_shift, exponent, shift] = layer.spec();
    bytes += in * out * (4 + (recipe_ == IntegerRecipe::wage ? 4 : 0)) + most_rows_ * (2 * in + 7 * out);
  }
  return bytes;
}

parallel::Crew IntegerNet::crew_for(size_t rows) const noexcept {
  if (pool_ == nullptr || pool_->threads() == 1) return {};
  gemm::Cost cost;
  for (const IntegerLayer& layer : layers_)
    cost = cost + gemm::product_cost(set_->qgemm->layout.wide, layer.spec().in, layer.spec().out);
  const size_t helpers = pool_->threads() - 1;
  return {pool_, {helpers, pool_->worth_waking(helpers, 3 * cost.of(rows))}};
}

template <class Body>
void IntegerNet::share(size_t tasks, uint64_t ns, Body body) noexcept {
  constexpr auto kWorthSharingNs = static_cast<uint64_t>(2 * gemm::kShareNs);
  if (crew_.alone() || tasks <= 1 || ns < kWorthSharingNs) {
    for (size_t i = 0; i < tasks; ++i) body(i);
    return;
  }
  auto run = [&](parallel::Share& share) noexcept {
    for (size_t i; share.next(i);) body(i);
  };
  crew_.pool->fork(tasks, crew_.helpers, run);
}

uint64_t IntegerNet::product_ns(size_t index) const noexcept {
  return std::max(costs_[index].floor, rows_ * costs_[index].per_row / 1024);
}

/// Of a pass over a batch's values.
uint64_t IntegerNet::values_ns(size_t features) const noexcept { return rows_ * features / 8; }

LossResult IntegerNet::step(const parallel::Crew& crew, const IntegerBatch& batch, int32_t rate,
                            uint32_t step) noexcept {
  crew_ = crew;
  forward(batch, true);
  const LossResult result = judge_logits(batch);
  backward(rate, step);
  look_at_shifts();
  return result;
}

LossResult IntegerNet::judge(const parallel::Crew& crew, const IntegerBatch& batch) noexcept {
  crew_ = crew;
  forward(batch, false);
  return judge_logits(batch);
}

void IntegerNet::forward(const IntegerBatch& batch, bool training) noexcept {
  rows_ = batch.rows.size();
  for (IntegerLayer& layer : layers_) layer.set_rows(rows_);
  IntegerLayer& first = layers_.front();
  share(first.in_groups(), values_ns(first.spec().in),
        [&](size_t group) { first.load_group(group, batch.inputs, batch.rows, training); });
  for (size_t i = 0; i < layers_.size(); ++i) forward_layer(i, training);
}

void IntegerNet::forward_layer(size_t index, bool training) noexcept {
  IntegerLayer& layer = layers_[index];
  const int32_t exponent = exponents_[index] + layer.spec().exponent;
  layer.set_bias(is_wage() ? 0 : kBiasExponent - exponent);
  if (index + 1 == layers_.size()) {
    exponents_[index + 1] = exponent;
    return share(layer.out_groups(), product_ns(index), [&](size_t group) { layer.forward_group(group); });
  }
  Activation& activation = activations_[index];
  if (activation.shift < 0) choose_shift(index);
  const int32_t shift = activation.shift;
  exponents_[index + 1] = exponent + shift;
  std::atomic<uint64_t> clipped{0};
  share(layer.out_groups(), product_ns(index), [&](size_t group) {
    const uint64_t of_group = layer.forward_group(group, shift, layers_[index + 1], training);
    clipped.fetch_add(of_group, std::memory_order_relaxed);
  });
  if (!training) return;
  activation.rows += rows_;
  activation.clipped += clipped.load(std::memory_order_relaxed);
}

/// By the first batch: the largest accumulator becomes a code.
void IntegerNet::choose_shift(size_t index) noexcept {
  IntegerLayer& layer = layers_[index];
  share(layer.out_groups(), product_ns(index), [&](size_t group) { layer.forward_group(group); });
  const MatrixView<int32_t> acc = layer.accumulators();
  int32_t most = 0;
  for (size_t r = 0; r < acc.rows; ++r) {
    for (size_t c = 0; c < acc.cols; ++c) most = std::max(most, acc.at(r, c));
  }
  activations_[index].shift = std::min(fitting_exponent(static_cast<uint32_t>(most)), kMostShift);
}

LossResult IntegerNet::judge_logits(const IntegerBatch& batch) noexcept {
  IntegerLayer& last = layers_.back();
  const MatrixView<int32_t> logits = last.accumulators();
  // The targets of the batch are few beside its products: read where they are.
  LossResult sum;
  for (size_t r = 0; r < rows_; ++r) {
    const MatrixView<int32_t> row{logits.row(r), 1, logits.cols, logits.stride};
    const int32_t* target = batch.targets + batch.rows[r];
    const LossResult of_row = is_wage() ? square_error(row, target, activations_.back().shift + 7)
                                        : cross_entropy(row, target, exponents_.back());
    sum.loss += of_row.loss;
    sum.correct += of_row.correct;
  }
  return sum;
}

void IntegerNet::backward(int32_t rate, uint32_t step) noexcept {
  const MatrixView<int32_t> errors = layers_.back().accumulators();
  uint32_t most = 0;
  for (size_t r = 0; r < errors.rows; ++r) {
    for (size_t c = 0; c < errors.cols; ++c)
      most = std::max(most, static_cast<uint32_t>(std::abs(errors.at(r, c))));
  }
  const size_t last = layers_.size() - 1;
  Errors of{error_shift(most), kSoftmaxExponent};
  of.exponent += of.shift;
  share(layers_[last].out_groups(), values_ns(layers_[last].spec().out),
        [&](size_t group) { layers_[last].round_group(group, of.shift, 0); });
  for (size_t index = last; index > 0; --index) {
    const Largest largest = multiply_errors(index);
    const int32_t shift = error_shift(largest.error);
    update(index, {update_shift(index, of.exponent, largest.gradient, rate), step}, shift);
    update_bias(index, of.exponent, rate);
    of.exponent += layers_[index].spec().exponent + shift;
  }
  const Largest largest = multiply_errors(0);
  update(0, {update_shift(0, of.exponent, largest.gradient, rate), step}, 0);
  update_bias(0, of.exponent, rate);
}

/// Errors of the layer before, by the weights as they still are; and the gradient where its largest decides.
IntegerNet::Largest IntegerNet::multiply_errors(size_t index) noexcept {
  IntegerLayer& layer = layers_[index];
  const size_t groups = layer.in_groups();
  const size_t errors = index > 0 ? groups : 0;
  const size_t gradients = is_wage() ? groups : 0;
  const auto needed = static_cast<uint8_t>(is_wage() ? kUnclipped : kUnclipped | kPositive);
  Most error, gradient;
  share(errors + gradients, product_ns(index), [&](size_t task) {
    if (task < errors) {
      error.add(layer.backward_group(task, layers_[index - 1], needed));
    } else {
      gradient.add(layer.gradient_group(task - errors));
    }
  });
  return {error.get(), gradient.get()};
}

/// The layer's weights, and beside them the codes of the errors of the layer before.
void IntegerNet::update(size_t index, UpdateStep step, int32_t error_shift) noexcept {
  IntegerLayer& layer = layers_[index];
  const size_t groups = layer.in_groups();
  const IntegerUpdate by{step.shift, static_cast<uint32_t>(index), step.number, {key_[0], key_[1]}};
  share(groups + (index > 0 ? groups : 0), product_ns(index), [&](size_t task) {
    if (task < groups) {
      layer.update_group(task, by);
    } else {
      layers_[index - 1].round_group(task - groups, error_shift, kPositive);
    }
  });
}

int32_t IntegerNet::error_shift(uint32_t most) const noexcept {
  if (most == 0) return 0;
  return is_wage() ? nearest_exponent(most) - 7 : fitting_exponent(most);
}

/// d of the update, stored −= G / 2^d.
///   wage:   G is divided by Shift(max |G|) and multiplied by 2^rate
///   block:  G·2^(exponents of error and input + rate) / rows, in units of stored weights
int32_t IntegerNet::update_shift(size_t index, int32_t error_exponent, uint32_t most_gradient,
                                 int32_t rate) const noexcept {
  constexpr int32_t kMost = 63;
  if (is_wage()) return most_gradient == 0 ? 0 : std::min(nearest_exponent(most_gradient) - rate, kMost);
  const IntegerLayerSpec& spec = layers_[index].spec();
  const int32_t unit = spec.exponent - spec.code_shift;
  const int32_t of_gradient = error_exponent + exponents_[index] - rows_exponent();
  return std::min(unit - of_gradient - rate, kMost);
}

void IntegerNet::update_bias(size_t index, int32_t error_exponent, int32_t rate) noexcept {
  if (!is_wage()) layers_[index].update_bias(error_exponent - kBiasExponent + rate - rows_exponent());
}

int32_t IntegerNet::rows_exponent() const noexcept { return covering_exponent(static_cast<uint32_t>(rows_)); }

/// Now and then: an activation that clips much gets a larger shift, one that clips nothing a smaller one.
void IntegerNet::look_at_shifts() noexcept {
  if (is_wage() || ++batches_ < kLook) return;
  batches_ = 0;
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    Activation& a = activations_[i];
    const uint64_t codes = a.rows * layers_[i].spec().out;
    if (a.clipped * kMostClipped > codes) {
      a.shift = std::min(a.shift + 1, kMostShift);
    } else if (a.clipped * kFewClipped < codes) {
      a.shift = std::max(a.shift - 1, 0);
    }
    a.rows = a.clipped = 0;
  }
}

void IntegerNet::read_state(int32_t* state) const noexcept {
  constexpr uint64_t kLow = 0x7FFFFFFF;
  *state++ = batches_;
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    const Activation& a = activations_[i];
    *state++ = a.shift;
    *state++ = static_cast<int32_t>(a.rows);
    *state++ = static_cast<int32_t>(a.clipped & kLow);
    *state++ = static_cast<int32_t>(a.clipped >> 31);
  }
}

bool IntegerNet::write_state(std::span<const int32_t> state) noexcept {
  const bool counts = std::all_of(state.begin(), state.end(), [](int32_t v) { return v >= -1; });
  if (state.size() != state_size() || !counts || state[0] < 0 || state[0] >= kLook) return false;
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    const int32_t* of = state.data() + 1 + i * kStateOfLayer;
    if (of[0] > kMostShift || std::min({of[1], of[2], of[3]}) < 0) return false;
  }
  batches_ = state[0];
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    const int32_t* of = state.data() + 1 + i * kStateOfLayer;
    const uint64_t clipped = static_cast<uint64_t>(of[3]) << 31 | static_cast<uint64_t>(of[2]);
    activations_[i] = {of[0], static_cast<uint64_t>(of[1]), clipped};
  }
  return true;
}

}  // namespace requant::training
