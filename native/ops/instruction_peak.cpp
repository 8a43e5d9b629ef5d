#include "ops/instruction_peak.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace requant::ops {
namespace {

/// The median over slices of some ten microseconds: a slice in which another process ran does not count.
double rate(uint64_t (*loop)(uint64_t) noexcept, double milliseconds) noexcept {
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;
  constexpr uint64_t kSteps = 2000;
  std::array<double, 255> rates{};
  size_t slices = 0;
  const auto start = Clock::now();
  auto now = start;
  do {
    const auto begin = now;
    const auto done = static_cast<double>(loop(kSteps));
    now = Clock::now();
    rates[slices++] = done / Seconds(now - begin).count();
  } while (slices < rates.size() && Seconds(now - start).count() * 1000 < milliseconds);
  std::nth_element(rates.begin(), rates.begin() + slices / 2, rates.begin() + slices);
  return rates[slices / 2];
}

}  // namespace

InstructionPeak instruction_peak(const kernels::PeakLoops& loops, double milliseconds) noexcept {
  return {rate(loops.int8, milliseconds / 2), rate(loops.float32, milliseconds / 2)};
}

}  // namespace requant::ops
