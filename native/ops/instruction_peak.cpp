#include "ops/instruction_peak.h"

#include <chrono>

namespace requant::ops {
namespace {

double rate(uint64_t (*loop)(uint64_t) noexcept, double milliseconds) noexcept {
  using Clock = std::chrono::steady_clock;
  constexpr uint64_t kSteps = 2000;  // some ten microseconds
  uint64_t done = 0;
  const auto start = Clock::now();
  std::chrono::duration<double, std::milli> passed{};
  do {
    done += loop(kSteps);
    passed = Clock::now() - start;
  } while (passed.count() < milliseconds);
  return static_cast<double>(done) / passed.count() * 1000;
}

}  // namespace

InstructionPeak instruction_peak(const kernels::PeakLoops& loops, double milliseconds) noexcept {
  return {rate(loops.int8, milliseconds / 2), rate(loops.float32, milliseconds / 2)};
}

}  // namespace requant::ops
