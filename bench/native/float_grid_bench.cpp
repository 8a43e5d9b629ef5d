// Rounding to a float8 grid by each kernel that this CPU runs: 10^9 values a second on one core, arrays in
// L2, the median of turns. One JSON object a line.
//   float_grid_bench [--ms MILLISECONDS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "dispatch/registry.h"

namespace {

using namespace requant;
using Clock = std::chrono::steady_clock;

constexpr size_t kValues = 32 * 1024;  // 128 KiB in, 128 KiB out

double values_per_nanosecond(const kernels::GridRow& row, bool (*round)(const kernels::GridRow&) noexcept) {
  constexpr int kCalls = 20;
  const auto start = Clock::now();
  for (int i = 0; i < kCalls; ++i) round(row);
  const std::chrono::duration<double, std::nano> time = Clock::now() - start;
  return kCalls * static_cast<double>(row.count) / time.count();
}

}  // namespace

int main(int argc, char** argv) {
  const double milliseconds = argc == 3 && std::strcmp(argv[1], "--ms") == 0 ? std::atof(argv[2]) : 500;
  std::vector<float> x(kValues), out(kValues);
  uint32_t state = 1;
  for (float& v : x) {
    state = state * 1664525 + 1013904223;
    v = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-30F;
  }
  const struct {
    const char* name;
    FloatGrid grid;
  } kFormats[] = {{"4m3e", {4, -2, 31, 31, 15.5}}, {"e4m3fn", {3, -6, 448, 1, 0x1p-7}}};
  for (const dispatch::Kernel& kernel : dispatch::compiled_kernels()) {
    if (!dispatch::runs_here(kernel)) continue;
    for (const auto& format : kFormats) {
      const kernels::GridRow row{x.data(), kValues, format.grid, true, out.data()};
      std::vector<double> turns;
      const auto end = Clock::now() + std::chrono::duration<double, std::milli>(milliseconds);
      while (turns.size() < 5 || Clock::now() < end)
        turns.push_back(values_per_nanosecond(row, kernel.set->vector->round_to_grid));
      std::nth_element(turns.begin(), turns.begin() + static_cast<long>(turns.size() / 2), turns.end());
      std::printf("{\"kernel\":\"%s\",\"format\":\"%s\",\"values\":%zu,\"gigavaluesPerSecond\":%.3f}\n",
                  kernel.name, format.name, kValues, turns[turns.size() / 2]);
    }
  }
}
