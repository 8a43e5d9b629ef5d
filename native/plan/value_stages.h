// The stages without weights: conversions, activations, row functions, add and concat.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "arith/elementwise.h"
#include "base/float_grid.h"
#include "plan/grid.h"
#include "plan/stage.h"

namespace requant::plan {

std::unique_ptr<Stage> make_quantize(ValueId input, ValueId output, Grid grid);
std::unique_ptr<Stage> make_dequantize(ValueId input, ValueId output, Grid grid);
/// Float32 → the nearest number of a float8 grid, as float32. NaN: as make_quantize.
std::unique_ptr<Stage> make_round_to_grid(ValueId input, ValueId output, const FloatGrid& grid);
/// Float32 elementwise function.
std::unique_ptr<Stage> make_elementwise(ValueId input, ValueId output, arith::Elementwise function,
                                        arith::ElementwiseParams params);
/// Codes through a 256-entry table, index and entries in the u8 domain.
std::unique_ptr<Stage> make_lookup(kernels::LookupFn lookup, ValueId input, ValueId output,
                                   std::span<const uint8_t, 256> table);
std::unique_ptr<Stage> make_softmax(ValueId input, ValueId output, bool logarithm);
/// Float32: fl(a + b).
std::unique_ptr<Stage> make_add(ValueId a, ValueId b, ValueId output);
/// Side by side; all inputs and the output have one type.
std::unique_ptr<Stage> make_concat(std::vector<ValueId> inputs, ValueId output);

}  // namespace requant::plan
