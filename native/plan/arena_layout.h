// Which bytes of the arena each value gets.
#pragma once

#include <span>
#include <vector>

#include "plan/stage.h"

namespace requant::plan {

struct ArenaLayout {
  std::vector<size_t> offsets;  // by ValueId
  size_t bytes = 0;
};

/// First fit over lifetimes: a value lives from the stage that writes it to the last one that reads it.
/// `kept` values live to the end.
ArenaLayout lay_out(std::span<const Value> values, std::span<const std::unique_ptr<Stage>> stages,
                    const std::vector<bool>& kept, size_t rows);

}  // namespace requant::plan
