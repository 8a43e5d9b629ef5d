// Layer norm as a stage: float32 or codes in, float32 out.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "base/status.h"
#include "plan/grid.h"
#include "plan/stage.h"

namespace requant::plan {

struct LayerNormSpec {
  ValueId input, output;
  double epsilon = 1e-5;
  std::span<const float> weight;  // empty or [features]
  std::span<const float> bias;    // empty or [features]
  std::optional<Grid> grid;       // of an input of codes; one scale
};

Result<std::unique_ptr<Stage>> make_layer_norm(size_t features, const LayerNormSpec& spec);

}  // namespace requant::plan
