// Small networks that learn with integers, for tests: everything from a seeded generator.
#pragma once

#include <memory>
#include <vector>

#include "check.h"
#include "random.h"
#include "training/integer_net.h"

namespace requant::test {

/// A recipe's layers for these widths: what lib/training/integer/recipe.ts says.
inline std::vector<training::IntegerLayerSpec> integer_layers(const std::vector<size_t>& widths,
                                                              training::IntegerRecipe recipe) {
  std::vector<training::IntegerLayerSpec> layers;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    if (recipe == training::IntegerRecipe::wage) {
      layers.push_back({widths[i], widths[i + 1], 64, 6, -2, 2});
    } else {
      layers.push_back({widths[i], widths[i + 1], 32767, 8, -8, -1});
    }
  }
  return layers;
}

/// A network and its data.
struct IntegerTask {
  std::shared_ptr<training::IntegerNet> net;
  std::vector<uint8_t> inputs;
  std::vector<int32_t> targets;

  IntegerTask(const kernels::KernelSet& set, parallel::Pool* pool, const std::vector<size_t>& widths,
              training::IntegerRecipe recipe, bool raised_inputs, size_t most_rows) {
    const auto layers = integer_layers(widths, recipe);
    training::IntegerSpec spec;
    spec.recipe = recipe;
    spec.layers = layers;
    spec.most_rows = most_rows;
    spec.input_exponent = raised_inputs ? -7 : -8;
    spec.raised_inputs = raised_inputs;
    spec.key[0] = 11;
    spec.key[1] = 22;
    auto made = training::IntegerNet::make(set, pool, spec);
    if (!check(made.ok(), made.status.message())) return;
    net = made.value;
    Random random(5);
    for (training::IntegerLayer& layer : net->layers()) {
      const auto& s = layer.spec();
      std::vector<int32_t> weights(s.in * s.out), bias(s.out);
      for (int32_t& w : weights) w = random.between(-s.limit, s.limit);
      for (int32_t& b : bias) b = recipe == training::IntegerRecipe::wage ? 0 : random.between(-9000, 9000);
      layer.write(weights.data(), bias.data());
    }
    constexpr size_t kRows = 300;
    inputs.resize(kRows * widths.front());
    for (uint8_t& x : inputs) x = static_cast<uint8_t>(random.between(0, 255));
    targets.resize(kRows);
    for (int32_t& t : targets) t = random.between(0, static_cast<int32_t>(widths.back()) - 1);
  }

  training::LossResult step(std::vector<uint32_t> rows, int32_t rate, uint32_t number) const {
    return net->step(net->crew_for(rows.size()), {inputs.data(), targets.data(), rows}, rate, number);
  }

  /// Weights and biases of all layers, and the state of the activations.
  std::vector<int32_t> parameters() const {
    std::vector<int32_t> all(net->state_size());
    net->read_state(all.data());
    for (training::IntegerLayer& layer : net->layers()) {
      const auto& s = layer.spec();
      const size_t at = all.size();
      all.resize(at + s.in * s.out + s.out);
      layer.read(all.data() + at, all.data() + at + s.in * s.out);
    }
    return all;
  }
};

/// `count` row numbers from `first` on, with a stride that is prime to them.
inline std::vector<uint32_t> some_rows(uint32_t first, size_t count) {
  std::vector<uint32_t> rows(count);
  for (size_t i = 0; i < count; ++i) rows[i] = static_cast<uint32_t>((first + i * 7) % 300);
  return rows;
}

}  // namespace requant::test
