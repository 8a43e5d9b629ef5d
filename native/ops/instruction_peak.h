// How fast this core's product instructions are, on registers alone: the limit that benchmarks measure
// against.
#pragma once

#include "kernels/kernel.h"

namespace requant::ops {

/// Multiply-accumulates a second.
struct InstructionPeak {
  double int8 = 0;
  double float32 = 0;
};

/// Runs each loop for about half the time on the calling thread.
InstructionPeak instruction_peak(const kernels::PeakLoops& loops, double milliseconds) noexcept;

}  // namespace requant::ops
