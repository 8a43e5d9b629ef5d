// Quantize and dequantize of every kernel against arith/quantize.h, at tolerance 0 and at the edges of
// guarded memory.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "arith/quantize.h"
#include "check.h"
#include "guarded_buffer.h"
#include "kernels_here.h"
#include "ops/quantize_ops.h"
#include "random.h"

namespace {

using namespace requant;
using kernels::VectorKernel;
using test::check;
using test::Flush;
using test::GuardedBuffer;
using test::Random;
using test::run_case;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr size_t kMaxLength = 200;
long random_values = 1'000'000;

/// uint8 and int8, and clamps narrower than the type.
constexpr arith::CodeRange kGrids[] = {{0, 0, 255},    {255, 0, 255},  {128, 0, 255},     {153, 0, 255},
                                       {7, 7, 255},    {40, 3, 200},   {-128, -128, 127}, {127, -128, 127},
                                       {0, -128, 127}, {0, -127, 127}, {-5, -5, 90},      {12, 12, 12}};

float random_scale(Random& random) {
  const auto exponent = static_cast<int>(random.between(-100, 125));
  return std::ldexp(random.chance(4) ? 1.0F : 1.0F + static_cast<float>(random.word() % (1 << 23)) * 0x1p-23F,
                    exponent);
}

/// Values around the grid of `scale`, halfway quotients, and every special value.
float random_value(Random& random, float scale) {
  switch (random.word() % 8) {
    case 0:
      return random.any_float();
    case 1:
      return random.special();
    case 2:
      return scale * (static_cast<float>(random.between(-300, 300)) + 0.5F);
    case 3: {
      const float half = scale * (static_cast<float>(random.between(-300, 300)) + 0.5F);
      return std::nextafter(half, random.chance(2) ? kInf : -kInf);
    }
    default:
      return scale * random.unit() * 300.0F;
  }
}

/// fl(x / s) as a float64 quotient rounded once more (exact: 53 ≥ 2 · 24 + 2), then nearbyint.
int32_t second_formulation(float x, float scale, const arith::CodeRange& y) {
  if (std::isnan(x)) return y.zero_point;
  const auto quotient = static_cast<float>(static_cast<double>(x) / static_cast<double>(scale));
  const double steps = std::fmin(std::fmax(quotient, y.lo - y.zero_point), y.hi - y.zero_point);
  return y.zero_point + static_cast<int32_t>(std::nearbyint(steps));
}

/// One row; returns the number of differences.
long compare_quantize(const VectorKernel& kernel, const float* x, const float* scale, bool per_value,
                      size_t count, const arith::CodeRange& grid, uint8_t* out) {
  const bool nan = kernel.quantize({x, count, scale, per_value, grid.zero_point, grid.lo, grid.hi, out});
  long bad = 0;
  bool expected_nan = false;
  for (size_t i = 0; i < count; ++i) {
    const float s = scale[per_value ? i : 0];
    const int32_t code = arith::quantize(x[i], s, grid);
    bad += out[i] != static_cast<uint8_t>(code) || code != second_formulation(x[i], s, grid);
    expected_nan |= x[i] != x[i];
  }
  return bad + (nan != expected_nan ? 1 : 0);
}

void quantize_lengths(const VectorKernel& kernel) {
  GuardedBuffer<float> x_memory(kMaxLength), scale_memory(kMaxLength);
  GuardedBuffer<uint8_t> out_memory(kMaxLength);
  Random random(41);
  for (size_t count = 0; count <= kMaxLength; ++count) {
    for (const arith::CodeRange& grid : kGrids) {
      for (int variant = 0; variant < 4; ++variant) {
        const Flush flush = variant % 2 == 0 ? Flush::end : Flush::start;
        const bool per_value = variant >= 2 && count > 0;
        float* scale = scale_memory.place(per_value ? count : 1, flush);
        for (size_t i = 0; i < (per_value ? count : 1); ++i) scale[i] = random_scale(random);
        float* x = x_memory.place(count, flush);
        for (size_t i = 0; i < count; ++i) {
          do x[i] = random_value(random, scale[per_value ? i : 0]);
          while (x[i] != x[i] && !random.chance(4));  // rows without NaN are as frequent as rows with one
        }
        uint8_t* out = out_memory.place(count, flush);
        const long bad = compare_quantize(kernel, x, scale, per_value, count, grid, out);
        check(bad == 0 && out_memory.untouched(), std::to_string(count) + " values: " + std::to_string(bad));
      }
    }
  }
}

void quantize_random(const VectorKernel& kernel) {
  Random random(42);
  const size_t count = 1003;
  std::vector<float> x(count), scale(count);
  std::vector<uint8_t> out(count);
  long bad = 0;
  for (long done = 0; done < random_values; done += static_cast<long>(count)) {
    const bool per_value = random.chance(2);
    for (float& s : scale) s = random_scale(random);
    const bool with_nan = random.chance(2);
    for (size_t i = 0; i < count; ++i) {
      do x[i] = random_value(random, scale[per_value ? i : 0]);
      while (!with_nan && x[i] != x[i]);
    }
    const arith::CodeRange& grid = kGrids[random.word() % std::size(kGrids)];
    bad += compare_quantize(kernel, x.data(), scale.data(), per_value, count, grid, out.data());
  }
  check(bad == 0, std::to_string(bad) + " differences");
}

/// The float32 values at and around s·(n + ½), where a quotient that is one step off gives another code; no
/// NaN among them, which would send the row to the dividing path.
void quantize_hard_quotients(const VectorKernel& kernel) {
  Random random(44);
  std::vector<float> x;
  std::vector<uint8_t> out;
  long bad = 0;
  for (long done = 0; done < 10 * random_values; done += static_cast<long>(x.size())) {
    const float scale = random_scale(random);
    x.clear();
    for (int n = -300; n <= 300; ++n) {
      const double half = static_cast<double>(scale) * (n + 0.5);
      if (std::fabs(half) > static_cast<double>(std::numeric_limits<float>::max())) continue;
      float near = std::nextafter(std::nextafter(static_cast<float>(half), -kInf), -kInf);
      for (int step = 0; step < 5; ++step, near = std::nextafter(near, kInf)) x.push_back(near);
    }
    x.insert(x.end(), {kInf, -kInf, 0.0F, -0.0F, 3e38F, -3e38F, 0x1p-149F, -0x1p-149F});
    out.resize(x.size());
    const arith::CodeRange& grid = kGrids[random.word() % std::size(kGrids)];
    bad += compare_quantize(kernel, x.data(), &scale, false, x.size(), grid, out.data());
  }
  check(bad == 0, std::to_string(bad) + " differences");
}

/// Values whose codes are written down here.
void quantize_known(const VectorKernel& kernel) {
  const struct {
    float x, scale;
    arith::CodeRange grid;
    int32_t code;
  } kKnown[] = {{kInf, 1.0F, {10, 0, 255}, 255},         {-kInf, 1.0F, {10, 0, 255}, 0},
                {kNaN, 1.0F, {10, 0, 255}, 10},          {-0.0F, 1.0F, {10, 0, 255}, 10},
                {0x1p-149F, 0x1p-100F, {3, 0, 255}, 3},  {0.5F, 1.0F, {0, -128, 127}, 0},
                {1.5F, 1.0F, {0, -128, 127}, 2},         {2.5F, 1.0F, {0, -128, 127}, 2},
                {-0.5F, 1.0F, {0, -128, 127}, 0},        {-1.5F, 1.0F, {1, -128, 127}, -1},
                {127.5F, 1.0F, {0, -128, 127}, 127},     {-128.5F, 1.0F, {0, -128, 127}, -128},
                {3e38F, 0x1p126F, {0, -128, 127}, 4},    {0x1p-100F, 0x1p-100F, {0, -128, 127}, 1},
                {3e38F, 0x1p-100F, {0, -128, 127}, 127}, {kInf, 1.0F, {0, -128, 90}, 90},
                {-kInf, 1.0F, {7, 7, 255}, 7},           {1.0F, 0x1.555556p-2F, {0, 0, 255}, 3}};
  for (const auto& known : kKnown) {
    uint8_t out = 0;
    const bool nan = kernel.quantize(
        {&known.x, 1, &known.scale, false, known.grid.zero_point, known.grid.lo, known.grid.hi, &out});
    check(out == static_cast<uint8_t>(known.code),
          std::to_string(known.x) + " → " + std::to_string(known.code));
    check(nan == (known.x != known.x), "NaN is reported, and nothing else");
  }
}

void dequantize(const VectorKernel& kernel) {
  GuardedBuffer<uint8_t> code_memory(kMaxLength);
  GuardedBuffer<float> out_memory(kMaxLength);
  Random random(43);
  long total = 0;
  for (long round = 0; total < random_values; ++round) {
    for (size_t count = 0; count <= kMaxLength; ++count) {
      const Flush flush = (count + static_cast<size_t>(round)) % 2 == 0 ? Flush::end : Flush::start;
      uint8_t* codes = code_memory.place(count, flush);
      random.fill_bytes(codes, count);
      const float scale = random_scale(random);
      const auto zero_point = static_cast<int32_t>(random.chance(4)   ? 0
                                                   : random.chance(4) ? 255
                                                                      : random.between(0, 255));
      float* out = out_memory.place(count, flush);
      kernel.dequantize({codes, count, scale, zero_point, out});
      bool same = out_memory.untouched();
      for (size_t i = 0; i < count; ++i) {
        same &= test::same_float(out[i], arith::dequantize(codes[i], scale, zero_point));
        same &= test::same_float(out[i], scale * static_cast<float>(codes[i] - zero_point));
      }
      check(same, std::to_string(count) + " codes differ");
      total += static_cast<long>(count);
    }
  }
}

void finite_range(const VectorKernel& kernel) {
  GuardedBuffer<float> x_memory(kMaxLength);
  Random random(46);
  for (size_t count = 0; count <= kMaxLength; ++count) {
    for (int round = 0; round < 16; ++round) {
      float* x = x_memory.place(count, round % 2 == 0 ? Flush::end : Flush::start);
      // All of one sign every other time, so that 0 is an end; specials are rare or frequent.
      for (size_t i = 0; i < count; ++i) {
        x[i] = random.chance(round % 4 == 0 ? 3 : 100) ? random.special() : random.scaled(-20, 20);
        if (round % 8 < 4) x[i] = std::copysign(x[i], round % 8 < 2 ? 1.0F : -1.0F);
      }
      const kernels::FiniteRange range = kernel.finite_range(x, count);
      const arith::FiniteRange expected = arith::finite_range(x, count);
      check(test::same_float(range.min, expected.min) && test::same_float(range.max, expected.max),
            std::to_string(count) + " values");
    }
  }
}

void lookup(kernels::LookupFn lookup) {
  GuardedBuffer<uint8_t> x_memory(kMaxLength), out_memory(kMaxLength);
  Random random(45);
  alignas(64) uint8_t table[256];
  for (size_t count = 0; count <= kMaxLength; ++count) {
    for (int round = 0; round < 8; ++round) {
      const Flush flush = round % 2 == 0 ? Flush::end : Flush::start;
      random.fill_bytes(table, sizeof(table));
      uint8_t* x = x_memory.place(count, flush);
      random.fill_bytes(x, count);
      uint8_t* out = out_memory.place(count, flush);
      lookup({x, count, table, out});
      bool same = out_memory.untouched();
      for (size_t i = 0; i < count; ++i) same &= out[i] == table[x[i]];
      check(same, std::to_string(count) + " bytes differ");
    }
  }
}

void dynamic_params(const kernels::KernelSet& kernel) {
  const float x[] = {0.0F, 2.0F, -3.0F, -2.5F, 1.34F, 0.5F};
  const uint8_t expected[] = {153, 255, 0, 26, 221, 179};
  uint8_t codes[6] = {};
  arith::DynamicParams params;
  check(ops::dynamic_quantize_linear(kernel, x, params, {codes, 6, true}).ok(), "status");
  check(params.scale == 0.0196078438F && params.zero_point == 153, "scale .0196078438, zero point 153");
  check(std::memcmp(codes, expected, 6) == 0, "codes of the reference vector");

  const auto of = [](std::vector<float> values) {
    const arith::FiniteRange range = arith::finite_range(values.data(), values.size());
    return arith::dynamic_params(range.min, range.max);
  };
  const auto is = [](const arith::DynamicParams& p, float scale, int32_t zero_point) {
    return p.scale == scale && p.zero_point == zero_point;
  };
  check(is(of({}), 1.0F, 0) && is(of({0, -0.0F}), 1.0F, 0), "nothing and zeros");
  check(is(of({kNaN, kInf, -kInf}), 1.0F, 0), "NaN and infinities do not count");
  check(is(of({0x1p-130F, -0x1p-140F}), 1.0F, 0), "a range too small");
  check(is(of({255, 10}), 1.0F, 0) && is(of({-255, kNaN}), 1.0F, 255), "one side");
  const float huge = std::numeric_limits<float>::max();
  check(is(of({huge, -huge}), huge / 255.0F + huge / 255.0F, 128), "max − min overflows");
  check(is(of({5, 5, 5}), 5.0F / 255.0F, 0), "a constant");
}

}  // namespace

int main(int argc, char** argv) {
  if (test::has_argument(argc, argv, "--quick")) random_values = 50'000;
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    const std::string name = kernel->name;
    const VectorKernel& vector = *kernel->set->vector;
    run_case("vector, " + name + ": known codes", [&] { quantize_known(vector); });
    run_case("vector, " + name + ": quantize, 0…200 values", [&] { quantize_lengths(vector); });
    run_case("vector, " + name + ": quantize, hard quotients", [&] { quantize_hard_quotients(vector); });
    run_case("vector, " + name + ": quantize, random", [&] { quantize_random(vector); });
    run_case("vector, " + name + ": dequantize", [&] { dequantize(vector); });
    run_case("vector, " + name + ": finite range", [&] { finite_range(vector); });
    run_case("vector, " + name + ": lookup", [&] { lookup(vector.lookup); });
    if (vector.lookup_vbmi != nullptr && (dispatch::cpu_features() & dispatch::kAvx512Vbmi) != 0) {
      run_case("vector, " + name + ": lookup, VBMI", [&] { lookup(vector.lookup_vbmi); });
    }
    run_case("vector, " + name + ": dynamic parameters", [&] { dynamic_params(*kernel->set); });
  }
  return test::finish();
}
