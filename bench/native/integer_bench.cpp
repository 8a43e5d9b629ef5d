// Steps of training with integers, one thread, by each kernel named or the best one: rows a second, and the
// share of the peak of the int8 instruction on registers alone. One JSON object a line.
//   integer_bench [--kernel NAME] [--ms MILLISECONDS] [--batch ROWS] [--wage] [--threads N] WIDTHxWIDTHx…
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "dispatch/registry.h"
#include "parallel/pool.h"
#include "training/integer_net.h"

namespace {

using namespace requant;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Options {
  std::string kernel;
  double milliseconds = 1000;
  size_t batch = 128, threads = 1;
  bool wage = false;
  std::vector<size_t> widths{784, 1024, 1024, 1024, 10};
};

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--wage") {
      o.wage = true;
    } else if (name.starts_with("--") && i + 1 < argc) {
      const char* value = argv[++i];
      if (name == "--kernel") o.kernel = value;
      if (name == "--ms") o.milliseconds = std::atof(value);
      if (name == "--batch") o.batch = static_cast<size_t>(std::atol(value));
      if (name == "--threads") o.threads = static_cast<size_t>(std::atol(value));
    } else {
      o.widths.clear();
      for (const char* p = argv[i]; p != nullptr; p = std::strchr(p, 'x'))
        o.widths.push_back(static_cast<size_t>(std::atol(p += *p == 'x')));
    }
  }
  return o;
}

std::vector<training::IntegerLayerSpec> layers_of(const Options& o) {
  std::vector<training::IntegerLayerSpec> layers;
  for (size_t i = 0; i + 1 < o.widths.size(); ++i) {
    if (o.wage) {
      layers.push_back({o.widths[i], o.widths[i + 1], 64, 6, -5, 5});
    } else {
      layers.push_back({o.widths[i], o.widths[i + 1], 32767, 8, -8, -1});
    }
  }
  return layers;
}

}  // namespace

int main(int argc, char** argv) {
  const Options o = parse(argc, argv);
  const auto kernel = dispatch::select_kernel(o.kernel);
  if (!kernel.ok()) return std::fprintf(stderr, "%s\n", kernel.status.message().c_str()), 1;
  const kernels::KernelSet& set = *kernel.value->set;
  parallel::Pool* pool = o.threads > 1 ? new parallel::Pool(o.threads) : nullptr;

  const auto layers = layers_of(o);
  training::IntegerSpec spec;
  spec.recipe = o.wage ? training::IntegerRecipe::wage : training::IntegerRecipe::block;
  spec.layers = layers;
  spec.most_rows = o.batch;
  spec.raised_inputs = o.wage;
  auto net = training::IntegerNet::make(set, pool, spec);
  if (!net.ok()) return std::fprintf(stderr, "%s\n", net.status.message().c_str()), 1;
  uint32_t state = 1;
  const auto word = [&] { return state = state * 1664525 + 1013904223, state >> 8; };
  for (training::IntegerLayer& layer : net.value->layers()) {
    std::vector<int32_t> weights(layer.spec().in * layer.spec().out), bias(layer.spec().out);
    for (int32_t& w : weights) w = static_cast<int32_t>(word() % 16001) - 8000;
    if (o.wage)
      for (int32_t& w : weights) w /= 125;
    layer.write(weights.data(), bias.data());
  }
  constexpr size_t kRows = 4096;
  std::vector<uint8_t> inputs(kRows * o.widths.front());
  for (uint8_t& x : inputs) x = static_cast<uint8_t>(word() % 4 == 0 ? word() : 0);
  std::vector<int32_t> targets(kRows);
  for (int32_t& t : targets) t = static_cast<int32_t>(word() % o.widths.back());
  std::vector<uint32_t> rows(o.batch);
  for (uint32_t& r : rows) r = word() % kRows;

  double macs = 0;
  for (size_t i = 0; i < layers.size(); ++i)
    macs += static_cast<double>(o.batch * layers[i].in * layers[i].out) * (i == 0 ? 2 : 3);
  uint32_t steps = 0;
  net.value->step(net.value->crew_for(o.batch), {inputs.data(), targets.data(), rows}, -3, steps++);
  const auto start = Clock::now();
  const uint32_t first = steps;
  while (seconds_since(start) * 1000 < o.milliseconds)
    net.value->step(net.value->crew_for(o.batch), {inputs.data(), targets.data(), rows}, -3, steps++);
  const double each = seconds_since(start) / (steps - first);

  double peak = 0;
  if (set.peak != nullptr) {
    const auto from = Clock::now();
    const uint64_t done = set.peak->int8(20'000'000);
    peak = static_cast<double>(done) / seconds_since(from) * static_cast<double>(o.threads);
  }
  std::printf(
      "{\"kernel\":\"%s\",\"batch\":%zu,\"threads\":%zu,\"msAStep\":%.3f,\"rowsPerSecond\":%.0f,"
      "\"gigamacsPerSecond\":%.1f,\"ofPeak\":%.3f}\n",
      kernel.value->name, o.batch, o.threads, each * 1e3, static_cast<double>(o.batch) / each,
      macs / each / 1e9, peak > 0 ? macs / each / peak : 0);
}
