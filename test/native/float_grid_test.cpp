// Rounding to a floating grid: the scalar definition against exact arithmetic of whole numbers, and every
// kernel against the scalar one, at tolerance 0 and at the edges of guarded memory.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "arith/float_grid.h"
#include "check.h"
#include "guarded_buffer.h"
#include "kernels_here.h"
#include "random.h"

namespace {

using namespace requant;
using test::check;
using test::Flush;
using test::GuardedBuffer;
using test::Random;
using test::run_case;
using RoundFn = bool (*)(const kernels::GridRow&) noexcept;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kMax = std::numeric_limits<float>::max();
bool quick = false;

struct Format {
  std::string name;
  int mantissa, min_exponent;
  double limit, numerator;

  FloatGrid with(float denominator) const {
    return {mantissa, min_exponent, limit, numerator, static_cast<double>(denominator)};
  }
};

/// Every format of up to 8 bits, and the two storage formats.
std::vector<Format> all_formats() {
  std::vector<Format> formats{{"e4m3fn", 3, -6, 448, 1}, {"e5m2", 2, -14, 57344, 1}};
  for (int m = 0; m <= 6; ++m) {
    for (int e = 1; e <= 7 - m; ++e) {
      const double k = (2 << m) - 1;
      formats.push_back(
          {std::to_string(m).append("m").append(std::to_string(e)).append("e"), m, m + 2 - (1 << e), k, k});
    }
  }
  return formats;
}

/// Largest numbers and scales that leave little room: all bits set, subnormal, the largest that is valid.
std::vector<float> hostile(const Format& format) {
  std::vector<float> all{1.0F,          3.9375F,          0x1.fffffep-1F, 0x1.fffffep3F, 0x1.555556p-3F,
                         0x1.000002p5F, 4.352F,           0x1p-149F,      0x1.8p-148F,   0x1.fffffcp-127F,
                         0x1p-126F,     0x1.fffffep-126F, 0x1.fffffep119F};
  all.push_back(static_cast<float>(static_cast<double>(kMax) * format.numerator / format.limit * 0.99));
  std::erase_if(all, [&](float b) { return !arith::valid_grid(format.with(b)); });
  return all;
}

using Wide = unsigned __int128;

/// rne(n·2^shift / d)
uint64_t round_ratio(uint64_t n, uint64_t d, int shift) {
  if (shift < -60) return 0;
  const Wide numerator = static_cast<Wide>(n) << std::max(shift, 0);
  const Wide denominator = static_cast<Wide>(d) << std::max(-shift, 0);
  auto quotient = static_cast<uint64_t>(numerator / denominator);
  const Wide twice = 2 * (numerator % denominator);
  if (twice > denominator || (twice == denominator && quotient % 2 == 1)) ++quotient;
  return quotient;
}

/// floor(log2(n / d))
int exponent_of_ratio(uint64_t n, uint64_t d) {
  const int guess = std::bit_width(n) - std::bit_width(d);
  const bool reached = guess >= 0 ? n >= d << guess : n << -guess >= d;
  return reached ? guess : guess - 1;
}

struct Parts {
  uint64_t mantissa;
  int exponent;
};

Parts parts_of(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x) & 0x7FFF'FFFFU;
  const int exponent = static_cast<int>(bits >> 23);
  if (exponent == 0) return {bits, -149};
  return {(bits & 0x7F'FFFFU) | 0x80'0000U, exponent - 150};
}

/// The definition in whole numbers alone. x is finite.
float exact(float x, const FloatGrid& g, bool scaled) {
  const auto [mx, ex] = parts_of(x);
  const auto [mb, eb] = parts_of(static_cast<float>(g.denominator));
  const auto a = static_cast<uint64_t>(g.numerator);
  if (mx == 0) return x;
  const int exponent = exponent_of_ratio(mx * a, mb) + ex - eb;
  const int e = std::max(exponent, g.min_exponent);
  double q = g.limit;
  if (exponent < 100)
    q = std::min(q, std::ldexp(static_cast<double>(round_ratio(mx * a, mb, ex - eb - (e - g.mantissa))),
                               e - g.mantissa));
  if (!scaled || q == 0) return std::copysign(static_cast<float>(q), x);
  int eq = 0;
  const auto jq = static_cast<uint64_t>(std::ldexp(std::frexp(q, &eq), 8));  // q = jq·2^(eq − 8)
  const int scale = eq - 8 + eb;
  const int unit = std::max(exponent_of_ratio(jq * mb, a) + scale - 23, -149);
  const auto y = static_cast<double>(round_ratio(jq * mb, a, scale - unit));
  return std::copysign(static_cast<float>(std::ldexp(y, unit)), x);
}

/// Every grid number, every tie between two, powers of two, and the floats beside them.
std::vector<float> corpus(const FloatGrid& g) {
  std::vector<float> values{0.0F, -0.0F, 0x1p-149F, -0x1p-149F, 0x1p-126F, 0x1.fffffcp-127F,
                            kMax, -kMax, kInf,      -kInf,      1.0F};
  const double back = g.denominator / g.numerator;
  const auto add = [&](double t) {
    const auto middle = static_cast<float>(t * back);
    float near = std::nextafter(std::nextafter(middle, -kInf), -kInf);
    for (int step = 0; step < 5; ++step, near = std::nextafter(near, kInf)) {
      values.push_back(near);
      values.push_back(-near);
    }
  };
  const int top = arith::exponent_of(g.limit);
  const int count = 1 << g.mantissa;
  for (int e = g.min_exponent; e <= top; ++e) {
    const double unit = std::ldexp(1.0, e - g.mantissa);
    for (int j = e == g.min_exponent ? 0 : count; j < 2 * count; ++j) {
      add(j * unit);
      add((j + 0.5) * unit);
      if (j + 1 == 2 * count) add((j + 0.75) * unit);  // a tie of the next binade's
    }
  }
  return values;
}

bool same(float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }

std::string words(const Format& format, float denominator, float x) {
  char text[128];
  std::snprintf(text, sizeof text, "%s, B = %a, x = %a", format.name.c_str(),
                static_cast<double>(denominator), static_cast<double>(x));
  return text;
}

/// The scalar definition against whole numbers.
void definition() {
  Random random(81);
  for (const Format& format : all_formats()) {
    for (const float denominator : hostile(format)) {
      const FloatGrid g = format.with(denominator);
      auto values = corpus(g);
      for (int i = 0; i < 2000; ++i) {
        values.push_back(random.any_float());
        values.push_back(denominator * random.unit() * 1.2F);
      }
      for (const float x : values) {
        if (!std::isfinite(x)) continue;
        for (const bool scaled : {true, false}) {
          const float y = arith::round_to_grid(x, g, scaled);
          if (!same(y, exact(x, g, scaled))) check(false, words(format, denominator, x));
        }
      }
    }
  }
}

/// The largest number is itself, infinity is the largest number, and every number of the grid is kept.
void properties() {
  for (const Format& format : all_formats()) {
    for (const float denominator : hostile(format)) {
      const FloatGrid g = format.with(denominator);
      const auto largest = static_cast<float>(g.limit * g.denominator / g.numerator);
      check(same(arith::round_to_grid(largest, g, true), largest), words(format, denominator, largest));
      check(same(arith::round_to_grid(-kInf, g, true), -largest), words(format, denominator, -kInf));
      check(same(arith::round_to_grid(-0.0F, g, true), -0.0F), words(format, denominator, -0.0F));
      if (largest < 0x1p-100F) continue;  // numbers that float32 rounds are not kept
      for (const float x : corpus(g)) {
        const float y = arith::round_to_grid(x, g, true);
        if (std::fabs(y) >= 0x1p-120F && !same(arith::round_to_grid(y, g, true), y))
          check(false, words(format, denominator, x));
      }
    }
  }
}

void known() {
  const FloatGrid e4m3fn{3, -6, 448, 1, 1}, e5m2{2, -14, 57344, 1, 1}, int8like{6, 6, 127, 127, 127};
  const struct {
    FloatGrid grid;
    float x, y;
  } kKnown[] = {{e4m3fn, 1e5F, 448},     {e4m3fn, 0x1p-9F, 0x1p-9F},
                {e4m3fn, 0x1p-10F, 0},   {e4m3fn, 0x1.8p-10F, 0x1p-9F},
                {e4m3fn, 464, 448},      {e4m3fn, 100, 96},
                {e4m3fn, 0.5F, 0.5F},    {e5m2, 5e4F, 49152},
                {e5m2, 100, 96},         {e5m2, 0x1p-17F, 0},
                {e5m2, 1e9F, 57344},     {e5m2, -0x1p-16F, -0x1p-16F},
                {int8like, 126.5F, 126}, {int8like, 125.5F, 126},
                {int8like, -200, -127},  {int8like, 0.5F, 0}};
  for (const auto& k : kKnown) check(same(arith::round_to_grid(k.x, k.grid, true), k.y), std::to_string(k.x));
}

void invalid() {
  const FloatGrid good{3, -6, 448, 1, 1};
  check(arith::valid_grid(good), "E4M3FN");
  const auto refused = [&](auto change) {
    FloatGrid g = good;
    change(g);
    check(!arith::valid_grid(g), "refused");
  };
  refused([](FloatGrid& g) { g.mantissa = 7; });
  refused([](FloatGrid& g) { g.mantissa = -1; });
  refused([](FloatGrid& g) { g.min_exponent = -127; });
  refused([](FloatGrid& g) { g.min_exponent = 16; });
  refused([](FloatGrid& g) { g.limit = 449; });
  refused([](FloatGrid& g) { g.limit = 0x1p16; });
  refused([](FloatGrid& g) { g.limit = 0; });
  refused([](FloatGrid& g) { g.limit = static_cast<double>(kNaN); });
  refused([](FloatGrid& g) { g.numerator = 2; });
  refused([](FloatGrid& g) { g.numerator = 1.5; });
  refused([](FloatGrid& g) { g.numerator = 129; });
  refused([](FloatGrid& g) { g.numerator = static_cast<double>(kNaN); });
  refused([](FloatGrid& g) { g.denominator = 0; });
  refused([](FloatGrid& g) { g.denominator = -1; });
  refused([](FloatGrid& g) { g.denominator = 0.1; });
  refused([](FloatGrid& g) { g.denominator = static_cast<double>(kNaN); });
  refused([](FloatGrid& g) { g.denominator = static_cast<double>(kInf); });
  refused([](FloatGrid& g) { g.denominator = 0x1p120; });
}

/// Where a row's values differ from the scalar definition's; NaN is open.
long differences(RoundFn round, const kernels::GridRow& row) {
  const bool nan = round(row);
  bool expected_nan = false;
  long bad = 0;
  for (size_t i = 0; i < row.count; ++i) {
    const float x = row.x[i];
    expected_nan |= x != x;
    bad += x == x && !same(row.out[i], arith::round_to_grid(x, row.grid, row.scaled)) ? 1 : 0;
  }
  return bad + (nan != expected_nan ? 1 : 0);
}

void edges(RoundFn round) {
  constexpr size_t kMaxLength = 70;
  GuardedBuffer<float> x_memory(kMaxLength), out_memory(kMaxLength);
  Random random(82);
  const auto formats = all_formats();
  for (size_t count = 0; count <= kMaxLength; ++count) {
    for (int variant = 0; variant < 8; ++variant) {
      const Flush flush = variant % 2 == 0 ? Flush::end : Flush::start;
      float* x = x_memory.place(count, flush);
      for (size_t i = 0; i < count; ++i)
        x[i] = random.chance(variant < 4 ? 4 : 200) ? random.special() : random.scaled(-20, 20);
      float* out = out_memory.place(count, flush);
      const FloatGrid g =
          formats[random.word() % formats.size()].with(std::fabs(random.scaled(-10, 10)) + 0x1p-20F);
      const bool scaled = variant % 3 != 0;
      check(differences(round, {x, count, g, scaled, out}) == 0 && out_memory.untouched(),
            std::to_string(count) + " values");
      // In place.
      std::vector<float> copy(x, x + count);
      round({x, count, g, scaled, x});
      bool equal = true;
      for (size_t i = 0; i < count; ++i) equal &= copy[i] != copy[i] || same(x[i], out[i]);
      check(equal, "in place");
    }
  }
}

void hard_values(RoundFn round) {
  std::vector<float> out;
  for (const Format& format : all_formats()) {
    for (const float denominator : hostile(format)) {
      const FloatGrid g = format.with(denominator);
      const auto x = corpus(g);
      out.resize(x.size());
      for (const bool scaled : {true, false}) {
        const long bad = differences(round, {x.data(), x.size(), g, scaled, out.data()});
        check(bad == 0, words(format, denominator, 0) + ": " + std::to_string(bad));
      }
    }
  }
}

/// All float32 of some binades: around the largest number, in the middle, at the subnormal end.
void binades(RoundFn round) {
  constexpr size_t kBinade = size_t{1} << 23;
  const size_t step = quick ? 251 : 1;
  const struct {
    const char* format;
    float denominator;
  } kCases[] = {{"e4m3fn", 0x1.fffffep-8F}, {"5m2e", 0x1.fffffep2F},   {"4m3e", 0x1.555556p3F},
                {"3m4e", 0x1.000002p7F},    {"2m5e", 57344.0F},        {"6m1e", 0x1.fffffep-1F},
                {"5m2e", 0x1p-149F},        {"1m6e", 0x1.fffffcp-127F}};
  const auto formats = all_formats();
  std::vector<float> x(kBinade / step), out(x.size());
  for (const auto& c : kCases) {
    const auto& format =
        *std::find_if(formats.begin(), formats.end(), [&](const Format& f) { return f.name == c.format; });
    const FloatGrid g = format.with(c.denominator);
    const auto largest = static_cast<float>(g.limit * g.denominator / g.numerator);
    const auto top = static_cast<int>(std::bit_cast<uint32_t>(largest) >> 23);
    const int bottom = top - (arith::exponent_of(g.limit) - g.min_exponent);
    for (const int exponent : {top, (top + bottom) / 2, bottom, bottom - g.mantissa - 1}) {
      if (exponent < 0) continue;
      for (size_t i = 0; i < x.size(); ++i)
        x[i] = std::bit_cast<float>(static_cast<uint32_t>(exponent) << 23 | static_cast<uint32_t>(i * step));
      const long bad = differences(round, {x.data(), x.size(), g, true, out.data()});
      check(bad == 0, words(format, c.denominator, x[0]) + ": " + std::to_string(bad));
    }
  }
}

void random_values(RoundFn round) {
  Random random(83);
  const auto formats = all_formats();
  std::vector<float> x(1003), out(x.size());
  for (int i = 0; i < (quick ? 200 : 10'000); ++i) {
    const Format& format = formats[random.word() % formats.size()];
    FloatGrid g;
    do g = format.with(std::fabs(random.any_float()));
    while (!arith::valid_grid(g));
    const auto largest = static_cast<float>(g.limit * g.denominator / g.numerator);
    for (float& v : x) v = random.chance(4) ? random.any_float() : largest * random.unit() * 1.25F;
    check(differences(round, {x.data(), x.size(), g, random.chance(2), out.data()}) == 0,
          words(format, static_cast<float>(g.denominator), 0));
  }
}

}  // namespace

int main(int argc, char** argv) {
  quick = test::has_argument(argc, argv, "--quick");
  run_case("float grid: the definition, exactly", definition);
  run_case("float grid: properties", properties);
  run_case("float grid: known values", known);
  run_case("float grid: invalid grids", invalid);
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    const RoundFn round = kernel->set->vector->round_to_grid;
    const std::string name = std::string("float grid, ") + kernel->name;
    run_case(name + ": edges of memory", [&] { edges(round); });
    run_case(name + ": ties and their neighbours", [&] { hard_values(round); });
    run_case(name + ": whole binades", [&] { binades(round); });
    run_case(name + ": random", [&] { random_values(round); });
  }
  return test::finish();
}
