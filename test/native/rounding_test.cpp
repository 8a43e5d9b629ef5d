// The four roundings of arith/requantize.h against a second formulation in exact 128-bit arithmetic, written
// from the text of docs/numerics.md; and the claim that half-even needs its own formula only for short
// multipliers.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>

#include "arith/requantize.h"
#include "check.h"
#include "corpus.h"
#include "kernels_here.h"
#include "random.h"

namespace {

using namespace requant;
using test::check;
using test::Multiplier;
using test::Random;
using test::run_case;
using Wide = __int128;

long random_rounds = 4'000'000;

/// numerator / 2^s as quotient rounded down and remainder in [0, 2^s), by Euclid's division.
struct Division {
  Wide quotient, remainder, divisor;

  Division(Wide numerator, int s) : divisor(static_cast<Wide>(1) << s) {
    quotient = numerator / divisor;
    remainder = numerator % divisor;
    if (remainder < 0) {
      remainder += divisor;
      quotient -= 1;
    }
  }
  bool tie() const { return 2 * remainder == divisor; }
  bool above_half() const { return 2 * remainder > divisor; }
};

/// To the nearest integer; ties up.
Wide exact_half_up(Wide numerator, int s) {
  const Division d(numerator, s);
  return d.quotient + (d.above_half() || d.tie() ? 1 : 0);
}

/// To the nearest integer; ties to the even one.
Wide exact_half_even(Wide numerator, int s) {
  const Division d(numerator, s);
  const bool odd = d.quotient % 2 != 0;
  return d.quotient + (d.above_half() || (d.tie() && odd) ? 1 : 0);
}

/// To the nearest integer; ties away from 0.
Wide exact_half_away(Wide numerator, int s) {
  return numerator < 0 ? -exact_half_up(-numerator, s) : exact_half_up(numerator, s);
}

/// acc·2^(31−s) saturated where s < 31; times m / 2^31, ties up; divided by 2^(s−31), ties away; s = 63 gives
/// 0.
Wide exact_gemmlowp(int32_t acc, int32_t m, int s) {
  if (s == 63) return 0;
  Wide a = acc;
  if (s < 31) a = std::clamp<Wide>(a * (static_cast<Wide>(1) << (31 - s)), INT32_MIN, INT32_MAX);
  const Wide doubled = exact_half_up(a * m, 31);
  return s <= 31 ? doubled : exact_half_away(doubled, s - 31);
}

/// Counts differences of the three fixed-point roundings at (acc, m, s).
long differences(int32_t acc, int32_t m, int s) {
  const Wide product = static_cast<Wide>(acc) * m;
  long count = 0;
  count += arith::round_half_up(acc, m, s) != exact_half_up(product, s);
  count += arith::round_half_even(acc, m, s) != exact_half_even(product, s);
  count += arith::round_gemmlowp(acc, m, s) != exact_gemmlowp(acc, m, s);
  return count;
}

void fixed_point_corpus() {
  long bad = 0;
  long total = 0;
  for (const Multiplier& mul : test::corpus_multipliers()) {
    for (const int32_t acc : test::corpus_accumulators(mul)) {
      bad += differences(acc, mul.m, mul.s);
      ++total;
    }
  }
  check(bad == 0, std::to_string(bad) + " differences");
  std::printf("  %ld accumulators of the tie corpus\n", total);
}

int32_t random_mantissa(Random& random) {
  if (random.chance(8)) return test::normalized(static_cast<int32_t>(random.between(1, 1023)));
  if (random.chance(32)) return 0;
  const auto m = static_cast<int32_t>(random.between(1 << 30, INT32_MAX));
  return random.chance(2) ? m : m & ~127;  // a float32 mantissa
}

void fixed_point_random() {
  Random random(1);
  long bad = 0;
  for (long i = 0; i < random_rounds; ++i) {
    bad += differences(random.integer(), random_mantissa(random), static_cast<int>(random.between(25, 63)));
  }
  check(bad == 0, std::to_string(bad) + " differences");
}

/// fl(acc) and fl(· M) one after the other, then the nearest integer by nearbyint, in its own words.
int32_t exact_float32(int32_t acc, float multiplier, const arith::CodeRange& y) {
  const float rounded_acc = static_cast<float>(static_cast<double>(acc));
  const auto product = static_cast<float>(static_cast<double>(rounded_acc) * static_cast<double>(multiplier));
  const double steps = std::fmin(std::fmax(product, y.lo - y.zero_point), y.hi - y.zero_point);
  return y.zero_point + static_cast<int32_t>(std::nearbyint(steps));
}

void float32() {
  Random random(2);
  long bad = 0;
  for (const test::OutputGrid& grid : test::kOutputGrids) {
    const arith::CodeRange y{grid.zero_point, grid.lo, grid.hi};
    for (const float m : {0.0F, 0x1p-149F, 0x1p-126F, 0x1p-31F, 0.5F, 0.375F, 1.0F, 63.99F, 3.4e38F}) {
      for (const int32_t acc : {INT32_MIN, -16777217, -1, 0, 1, 3, 509, 16777217, INT32_MAX}) {
        bad += arith::requantize_float32(acc, m, y) != exact_float32(acc, m, y);
      }
    }
    for (long i = 0; i < random_rounds / 16; ++i) {
      const int32_t acc = random.integer();
      const float m =
          arith::multiplier_as_float(random_mantissa(random), static_cast<int>(random.between(25, 63)));
      bad += arith::requantize_float32(acc, m, y) != exact_float32(acc, m, y);
    }
  }
  check(bad == 0, std::to_string(bad) + " differences");
  // The example of docs/numerics.md: exact arithmetic gives 107.
  check(arith::requantize_float32(35637, 0x1.8b61ep-9F, {0, 0, 255}) == 108, "M = 0x1.8b61ep-9, acc = 35637");
  const auto m = static_cast<int32_t>(std::ldexp(static_cast<double>(0x1.8b61ep-9F), 39));
  check(arith::multiplier_as_float(m, 39) == 0x1.8b61ep-9F, "m, s of that M");
  check(arith::round_half_up(35637, m, 39) == 107 && arith::round_half_even(35637, m, 39) == 107,
        "exactly 107");
}

/// M = 2^−8: half-up, half-even, gemmlowp.
void known_ties() {
  const int32_t m = 1 << 30;
  const int s = 38;
  const struct {
    int32_t acc, up, even, gemmlowp;
  } kTies[] = {{127, 0, 0, 1}, {128, 1, 0, 1}, {-384, -1, -2, -2}};
  for (const auto& tie : kTies) {
    check(arith::round_half_up(tie.acc, m, s) == tie.up, "half-up");
    check(arith::round_half_even(tie.acc, m, s) == tie.even, "half-even");
    check(arith::round_gemmlowp(tie.acc, m, s) == tie.gemmlowp, "gemmlowp");
  }
}

void multiplier_ranges() {
  check(arith::valid_multiplier(1 << 30, 25) && arith::valid_multiplier(INT32_MAX, 63), "ends");
  check(arith::valid_multiplier(0, 63) && arith::valid_multiplier(0, 25), "m = 0");
  check(!arith::valid_multiplier((1 << 30) - 1, 40) && !arith::valid_multiplier(1, 40), "m too small");
  check(!arith::valid_multiplier(-1, 40) && !arith::valid_multiplier(INT32_MIN, 40), "m < 0");
  check(!arith::valid_multiplier(1 << 30, 24) && !arith::valid_multiplier(1 << 30, 64), "s outside");
}

/// acc with acc · m · 2^−s = n + ½, if there is one in int32.
bool tie_accumulator(int n, int32_t m, int s, int32_t& acc) {
  const Wide numerator = static_cast<Wide>(2 * n + 1) * (static_cast<Wide>(1) << (s - 1));
  if (numerator % m != 0) return false;
  const Wide quotient = numerator / m;
  acc = static_cast<int32_t>(quotient);
  return quotient >= INT32_MIN && quotient <= INT32_MAX;
}

/// Whether some tie comes out of the clamp differently. Only ties can: elsewhere both round to the nearest.
bool half_even_differs(int32_t m, long& ties) {
  bool differs = false;
  for (int s = 25; s <= 63; ++s) {
    for (int n = -300; n <= 300; ++n) {
      int32_t acc = 0;
      if (!tie_accumulator(n, m, s, acc)) continue;
      ++ties;
      for (int zero_point = 0; zero_point <= 255; ++zero_point) {
        const arith::CodeRange y{zero_point, 0, 255};
        differs |= arith::place(arith::round_half_up(acc, m, s), y) !=
                   arith::place(arith::round_half_even(acc, m, s), y);
      }
    }
  }
  return differs;
}

void half_even_claim() {
  check(arith::half_even_equals_half_up(0), "m = 0");
  long ties = 0;
  for (int32_t odd = 1; odd <= 1023; odd += 2) {
    const int32_t m = test::normalized(odd);
    // Exact in both directions: the rule neither misses a tie nor wastes the cheaper formula.
    check(half_even_differs(m, ties) == !arith::half_even_equals_half_up(m),
          "odd part " + std::to_string(odd));
  }
  std::printf("  %ld ties of odd parts 1…1023\n", ties);

  Random random(3);
  for (long i = 0; i < random_rounds; ++i) {
    const auto m = static_cast<int32_t>(random.between(1 << 30, INT32_MAX));
    if (!arith::half_even_equals_half_up(m)) continue;
    const auto s = static_cast<int>(random.between(25, 63));
    const int32_t acc = random.integer();
    const arith::CodeRange y{static_cast<int32_t>(random.between(0, 255)), 0, 255};
    check(arith::place(arith::round_half_up(acc, m, s), y) ==
          arith::place(arith::round_half_even(acc, m, s), y));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (test::has_argument(argc, argv, "--quick")) random_rounds = 200'000;
  run_case("rounding: known ties", known_ties);
  run_case("rounding: ranges of multiplier and shift", multiplier_ranges);
  run_case("rounding: fixed point against 128-bit arithmetic, tie corpus", fixed_point_corpus);
  run_case("rounding: fixed point against 128-bit arithmetic, random", fixed_point_random);
  run_case("rounding: float32 against the formula in float64", float32);
  run_case("rounding: half-even equals half-up exactly where the rule says", half_even_claim);
  return test::finish();
}
