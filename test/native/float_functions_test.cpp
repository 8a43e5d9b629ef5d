// exp, expm1, log, tanh, erf, sigmoid and fma of our own: accuracy against long double, special values, and
// the pinned bits. libm appears here only, as the judge.
#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "arith/float32_functions.h"
#include "arith/float64_functions.h"
#include "arith/fma.h"
#include "check.h"

namespace {

using namespace requant::arith;
using requant::test::check;
using requant::test::run_case;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr double kInf64 = std::numeric_limits<double>::infinity();

std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }
std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }
float from_bits(std::uint32_t u) { return std::bit_cast<float>(u); }

/// FNV-1a over words.
struct Hash {
  std::uint64_t state = 0xcbf29ce484222325u;
  void add(std::uint64_t word) { state = (state ^ word) * 0x100000001b3u; }
};

bool check_hash(const char* name, std::uint64_t actual, std::uint64_t pinned) {
  char text[96];
  std::snprintf(text, sizeof text, "%s: the bits changed, hash 0x%016llxu", name,
                static_cast<unsigned long long>(actual));
  return check(actual == pinned, text);
}

/// Every 997th bit pattern, and all within 2000 patterns of each place where something changes.
const std::vector<float>& inputs() {
  static const std::vector<float> values = [] {
    std::vector<float> v;
    for (std::uint64_t u = 0; u < (1ull << 32); u += 997)
      v.push_back(from_bits(static_cast<std::uint32_t>(u)));
    std::vector<float> places = {0x1p-149f, 0x1p-126f, 0x1p-25f, 0x1p-24f, 0.625f,  0.875f,   4.0f,
                                 3.8326f,   9.0109f,   10.0f,    16.6355f, 20.0f,   87.3366f, 88.376f,
                                 88.7228f,  89.0f,     103.972f, 104.0f,   FLT_MAX, kInf};
    for (int k = 0; k < 150; ++k) places.push_back((static_cast<float>(k) + 0.5f) * 0.693147181f);
    for (const float place : places) {
      const std::uint32_t center = bits(place);
      const std::uint32_t first = center < 2000 ? 0 : center - 2000;
      for (std::uint32_t u = first; u <= center + 2000; u += place < 1000.0f && place > 1.0f ? 7 : 1) {
        v.push_back(from_bits(u));
        v.push_back(-from_bits(u));
      }
    }
    return v;
  }();
  return values;
}

long double ulp32(long double reference) {
  int exponent = 0;
  std::frexp(reference, &exponent);
  return std::ldexp(1.0L, std::max(exponent - 24, -149));
}

/// Checks f over inputs() against `reference`; the bound is in units of the last place of the true value.
template <typename F, typename Reference>
void check_ulp(const char* name, F f, Reference reference, double bound) {
  long double largest = 0.0L;
  float at = 0.0f;
  for (const float x : inputs()) {
    const float y = f(x);
    if (x != x) {
      check(bits(y) == bits(x), "NaN stays the same NaN");
      continue;
    }
    const long double r = reference(static_cast<long double>(x));
    const auto rounded = static_cast<float>(r);
    if (std::isinf(rounded) || std::isinf(y) || r == 0.0L) {
      check(bits(y) == bits(rounded), std::string(name) + ": overflow or zero at " + std::to_string(x));
      continue;
    }
    if (y != 0.0f) check(std::signbit(y) == std::signbit(r), "sign");
    const long double error = std::fabs(static_cast<long double>(y) - r) / ulp32(r);
    if (error > largest) {
      largest = error;
      at = x;
    }
  }
  char text[120];
  std::snprintf(text, sizeof text, "%s: largest error %.4Lf ULP at %.9g (%zu inputs, bound %.2f)", name,
                largest, static_cast<double>(at), inputs().size(), bound);
  std::printf("  %s\n", text);
  check(largest <= static_cast<long double>(bound), text);
}

long double sigmoid_long(long double x) {
  const long double e = std::exp(-std::fabs(x));
  return (x < 0.0L ? e : 1.0L) / (1.0L + e);
}

void accuracy32() {
  // The bounds are those measured over all 2^32 inputs, rounded up.
  check_ulp("exp32", [](float x) { return exp32(x); }, [](long double x) { return std::exp(x); }, 1.01);
  check_ulp(
      "expm1_32", [](float x) { return expm1_32(x); }, [](long double x) { return std::expm1(x); }, 1.66);
  check_ulp("tanh32", [](float x) { return tanh32(x); }, [](long double x) { return std::tanh(x); }, 1.34);
  check_ulp("erf32", [](float x) { return erf32(x); }, [](long double x) { return std::erf(x); }, 1.10);
  check_ulp("sigmoid32", [](float x) { return sigmoid32(x); }, sigmoid_long, 2.41);
}

void special_values32() {
  check(exp32(0.0f) == 1.0f && exp32(-0.0f) == 1.0f, "exp(0)");
  check(exp32(kInf) == kInf && bits(exp32(-kInf)) == 0, "exp(Inf)");
  check(exp32(0x1.62e42ep+6f) < kInf && exp32(0x1.62e430p+6f) == kInf, "the overflow threshold of exp");
  check(bits(exp32(-0x1.9fe368p+6f)) == 1 && bits(exp32(-0x1.9fe36ap+6f)) == 0,
        "the underflow threshold of exp");
  check(bits(exp32(-0x1.5d58a0p+6f)) < 0x00800000u && exp32(-0x1.5d58a0p+6f) > 0.0f, "exp gives subnormals");
  for (const float zero : {0.0f, -0.0f}) {
    check(bits(expm1_32(zero)) == bits(zero) && bits(tanh32(zero)) == bits(zero) &&
              bits(erf32(zero)) == bits(zero),
          "zeros keep their sign");
  }
  check(expm1_32(kInf) == kInf && expm1_32(-kInf) == -1.0f, "expm1(Inf)");
  check(tanh32(kInf) == 1.0f && tanh32(-kInf) == -1.0f, "tanh(Inf)");
  check(erf32(kInf) == 1.0f && erf32(-kInf) == -1.0f, "erf(Inf)");
  check(sigmoid32(kInf) == 1.0f && bits(sigmoid32(-kInf)) == 0, "sigmoid(Inf)");
  check(sigmoid32(0.0f) == 0.5f && sigmoid32(-0.0f) == 0.5f, "sigmoid(0)");
  for (const std::uint32_t nan : {0x7fc00000u, 0xffc00000u, 0x7fc12345u}) {
    for (auto* f : {+[](float x) { return exp32(x); }, +[](float x) { return expm1_32(x); },
                    +[](float x) { return tanh32(x); }, +[](float x) { return erf32(x); },
                    +[](float x) { return sigmoid32(x); }}) {
      check(bits(f(from_bits(nan))) == nan, "NaN");
    }
  }
  static_assert(exp32(1.0f) == 0x1.5bf0a8p+1f, "usable in constant expressions");
}

template <typename F>
std::uint64_t hash32(F f) {
  Hash hash;
  for (const float x : inputs()) hash.add(bits(f(x)));
  return hash.state;
}

void pinned_bits32() {
  check_hash("exp32", hash32([](float x) { return exp32(x); }), 0xe81f55070f805ff7u);
  check_hash("expm1_32", hash32([](float x) { return expm1_32(x); }), 0xcb1217df68f4b7fcu);
  check_hash("tanh32", hash32([](float x) { return tanh32(x); }), 0xa8bf454b657357c1u);
  check_hash("erf32", hash32([](float x) { return erf32(x); }), 0xe0c8cc02b531f95cu);
  check_hash("sigmoid32", hash32([](float x) { return sigmoid32(x); }), 0x4de3db3b5f2909f4u);
}

/// A loop that the compiler may vectorize gives the bits of the single calls.
void vectorized_loops() {
  const std::vector<float>& in = inputs();
  std::vector<float> out(in.size());
  const auto compare = [&](const char* name, auto f) {
    const float* x = in.data();
    float* y = out.data();
    for (std::size_t i = 0; i < in.size(); ++i) y[i] = f(x[i]);
    Hash hash;
    for (const float v : out) hash.add(bits(v));
    check_hash(name, hash.state, hash32(f));
  };
  compare("exp32", [](float x) { return exp32(x); });
  compare("expm1_32", [](float x) { return expm1_32(x); });
  compare("tanh32", [](float x) { return tanh32(x); });
  compare("erf32", [](float x) { return erf32(x); });
  compare("sigmoid32", [](float x) { return sigmoid32(x); });
}

/// Doubles between −limit and limit: evenly spaced, and with logarithmically spread magnitudes down to
/// 10^−300.
std::vector<double> inputs64(double limit, int count) {
  std::vector<double> v;
  for (int i = 0; i < count; ++i) {
    const double even = limit * (2.0 * i / count - 1.0);
    v.push_back(even);
    // 2^−k · odd mantissas, no libm: the inputs must be the same everywhere.
    const auto mantissa = (static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15u) >> 12;
    const auto exponent = static_cast<std::uint64_t>(1023 - i % 1000);
    const double spread = std::bit_cast<double>(exponent << 52 | mantissa);
    v.push_back(spread);
    v.push_back(-spread);
  }
  return v;
}

template <typename F, typename Reference>
void check_relative(const char* name, const std::vector<double>& xs, F f, Reference reference, double bound,
                    std::uint64_t pinned) {
  long double largest = 0.0L;
  double at = 0.0;
  Hash hash;
  for (const double x : xs) {
    const double y = f(x);
    hash.add(bits(y));
    const long double r = reference(static_cast<long double>(x));
    if (std::fabs(r) < static_cast<long double>(DBL_MIN)) {  // subnormal: half a unit, and what precedes it
      check(std::fabs(static_cast<long double>(y) - r) <= 0x1p-1074L,
            std::string(name) + ": subnormal result");
      continue;
    }
    const long double error = std::fabs((static_cast<long double>(y) - r) / r);
    if (!(error <= largest)) {
      largest = error;
      at = x;
    }
  }
  char text[120];
  std::snprintf(text, sizeof text, "%s: largest relative error %.3Lg at %.17g (%zu inputs, bound %.2g)", name,
                largest, at, xs.size(), bound);
  std::printf("  %s\n", text);
  check(largest <= static_cast<long double>(bound), text);
  check_hash(name, hash.state, pinned);
}

void accuracy64() {
  constexpr int kCount = 200000;
  check_relative(
      "exp64", inputs64(709.0, kCount), exp64, [](long double x) { return std::exp(x); }, 4e-16,
      0x297c743c4a97f6bdu);
  check_relative(
      "expm1_64", inputs64(40.0, kCount), expm1_64, [](long double x) { return std::expm1(x); }, 5e-16,
      0xd348cfbfbeaf56e2u);
  check_relative(
      "tanh64", inputs64(25.0, kCount), tanh64, [](long double x) { return std::tanh(x); }, 1e-15,
      0x95202504645cf995u);
  check_relative(
      "erf64", inputs64(7.0, kCount), erf64, [](long double x) { return std::erf(x); }, 1e-15,
      0x22070ff674eddb42u);
  check_relative("sigmoid64", inputs64(745.0, kCount), sigmoid64, sigmoid_long, 6e-16, 0x6ea3680f71bccbddu);
  std::vector<double> positive;
  for (const double x : inputs64(8.0, kCount)) {
    if (x > 0.0) positive.push_back(x);
    if (x > 0.0) positive.push_back(1.0 / x);
    if (x > 0.0) positive.push_back(1.0 + x * 0x1p-4);
  }
  check_relative(
      "log64", positive, log64, [](long double x) { return std::log(x); }, 5e-16, 0x94be07334866ebccu);
}

void special_values64() {
  check(exp64(0.0) == 1.0 && exp64(kInf64) == kInf64 && bits(exp64(-kInf64)) == 0, "exp");
  check(exp64(709.7827128933840) < kInf64 && exp64(709.7827128933841) == kInf64,
        "the overflow threshold of exp");
  check(exp64(-745.13) == 0x1p-1074 && exp64(-745.14) == 0.0, "the underflow threshold of exp");
  check(bits(expm1_64(-0.0)) == bits(-0.0) && expm1_64(-kInf64) == -1.0 && expm1_64(kInf64) == kInf64,
        "expm1");
  check(bits(log64(1.0)) == 0 && log64(0.0) == -kInf64 && log64(-0.0) == -kInf64 && log64(kInf64) == kInf64,
        "log");
  check(bits(log64(-1.0)) == 0x7ff8000000000000u && log64(-kInf64) != log64(-kInf64), "log of a negative");
  check(std::fabs(log64(0x1p-1074) + 744.44007192138126) < 1e-12, "log of a subnormal");
  check(tanh64(kInf64) == 1.0 && tanh64(-kInf64) == -1.0 && bits(tanh64(-0.0)) == bits(-0.0), "tanh");
  check(erf64(kInf64) == 1.0 && erf64(-kInf64) == -1.0 && bits(erf64(-0.0)) == bits(-0.0), "erf");
  check(sigmoid64(kInf64) == 1.0 && bits(sigmoid64(-kInf64)) == 0 && sigmoid64(0.0) == 0.5, "sigmoid");
  const double nan = std::bit_cast<double>(0xfff8000000012345u);
  for (auto* f : {exp64, expm1_64, log64, tanh64, erf64, sigmoid64}) check(f(nan) != f(nan), "NaN");
  static_assert(erf64(7.0) == 1.0, "usable in constant expressions");
}

bool same(float a, float b) { return bits(a) == bits(b) || (a != a && b != b); }

void check_fma(float a, float b, float c) {
  const float expected = std::fma(a, b, c);
  const float emulated = fma32_emulated(a, b, c);
  if (same(emulated, expected) && same(fma32(a, b, c), expected)) return;
  char text[160];
  std::snprintf(text, sizeof text, "fma(%a, %a, %a) = %a, emulated %a", static_cast<double>(a),
                static_cast<double>(b), static_cast<double>(c), static_cast<double>(expected),
                static_cast<double>(emulated));
  check(false, text);
}

struct Random {  // splitmix64
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
};

void fma_crafted() {
  std::vector<float> values;
  for (const float v : {0.0f,
                        0x1p-149f,
                        0x1.8p-148f,
                        0x1.fffffcp-127f,
                        0x1p-126f,
                        0x1.000002p-126f,
                        0x1p-125f,
                        0x1p-75f,
                        0x1.000002p-75f,
                        0x1p-74f,
                        0x1.8p-75f,
                        0x1p-63f,
                        0x1p-62f,
                        0x1p-25f,
                        0x1.000002p-25f,
                        0x1p-24f,
                        0x1.8p-24f,
                        0x1p-23f,
                        0x1p-12f,
                        0x1.001p+0f,
                        0x1.fffffep-1f,
                        1.0f,
                        0x1.000002p+0f,
                        0x1.000004p+0f,
                        1.5f,
                        0x1.fffffep+0f,
                        3.0f,
                        0x1.555556p+1f,
                        0x1p+12f,
                        0x1p+23f,
                        0x1.000002p+23f,
                        0x1p+24f,
                        0x1p+63f,
                        0x1p+64f,
                        0x1.fffffep+63f,
                        0x1p+103f,
                        0x1p+104f,
                        0x1.fffffep+126f,
                        0x1p+127f,
                        FLT_MAX,
                        kInf}) {
    values.push_back(v);
    values.push_back(-v);
  }
  values.push_back(std::numeric_limits<float>::quiet_NaN());
  for (const float a : values) {
    for (const float b : values) {
      for (const float c : values) check_fma(a, b, c);
    }
  }
  // (1 + 2^−12)² = 1 + 2^−11 + 2^−24 is halfway between two floats: any c, however small, decides.
  const float root = 0x1.001p+0f;
  check(fma32_emulated(root, root, 0.0f) == 0x1.002p+0f, "a tie goes to even");
  check(fma32_emulated(root, root, 0x1p-149f) == 0x1.002002p+0f, "above the tie");
  check(fma32_emulated(root, root, -0x1p-149f) == 0x1.002p+0f, "below the tie");
  // Halfway between subnormals: (2k + 1) · 2^−150.
  for (std::uint32_t k = 0; k < 2000; ++k) {
    const float odd = static_cast<float>(2 * k + 1);
    for (const float c : {0.0f, 0x1p-149f, -0x1p-149f, 0x1p-126f, -0x1p-126f}) {
      check_fma(odd * 0x1p-75f, 0x1p-75f, c);
      check_fma(odd * 0x1p-75f, -0x1p-75f, c);
      check_fma(odd * 0x1p-75f, 0x1.000002p-75f, c);
      check_fma(odd * 0x1p-75f, 0x1.fffffep-76f, c);
    }
  }
  // Overflow is decided after the exact sum: FLT_MAX + 2^103 is the tie that rounds up to Inf.
  check(fma32_emulated(FLT_MAX, 1.0f, 0x1.fffffep+102f) == FLT_MAX, "just below the overflow");
  check(fma32_emulated(0x1p+64f, 0x1p+64f, -0x1p+104f) == FLT_MAX, "back from beyond the range");
}

void fma_random() {
  Random random{20};
  const auto word = [&] { return static_cast<std::uint32_t>(random.next() >> 32); };
  constexpr int kRounds = 5000000;
  for (int i = 0; i < kRounds; ++i) {
    // Any patterns at all.
    check_fma(from_bits(word()), from_bits(word()), from_bits(word()));

    // Exponents of c within ±30 of the product's, so that both matter.
    const std::uint32_t ea = 40 + word() % 150;
    const std::uint32_t eb = 40 + word() % 150;
    const std::uint32_t ec = static_cast<std::uint32_t>(
        std::clamp(static_cast<int>(ea + eb) - 127 + static_cast<int>(word() % 61) - 30, 0, 254));
    const float a = from_bits((word() & 0x807fffffu) | ea << 23);
    const float b = from_bits((word() & 0x807fffffu) | eb << 23);
    check_fma(a, b, from_bits((word() & 0x807fffffu) | ec << 23));

    // Cancellation: c within a few units of −a·b.
    check_fma(a, b, from_bits(bits(-(a * b)) + word() % 7 - 3));

    // Short mantissas: ties and exact results are frequent.
    const std::uint32_t mask = 0x80000000u | (0x7fffffu << (word() % 23) & 0x7fffffu);
    const std::uint32_t shift = word() % 24;
    check_fma(from_bits((word() & mask) | ea << 23), from_bits((word() & 0x807ff800u) | eb << 23),
              from_bits((word() & 0x80000000u) | (word() >> 9 >> shift << shift) | ec << 23));

    // Results near and in the subnormals.
    const std::uint32_t es = 1 + word() % 125;
    check_fma(from_bits((word() & 0x807fffffu) | es << 23),
              from_bits((word() & 0x807fffffu) | (127u - es) << 23), from_bits(word() & 0x80ffffffu));
  }
  std::printf("  fma32: %d random triples\n", 5 * kRounds);
}

}  // namespace

int main(int argc, char** argv) {
  // Where the bits are the pinned ones, accuracy need not be shown again: an emulator takes minutes for long
  // double.
  if (!requant::test::has_argument(argc, argv, "--quick"))
    run_case("float32 functions: accuracy against long double", accuracy32);
  run_case("float32 functions: special values", special_values32);
  run_case("float32 functions: pinned bits", pinned_bits32);
  run_case("float32 functions: loops give the bits of single calls", vectorized_loops);
  run_case("float64 functions: accuracy against long double, pinned bits", accuracy64);
  run_case("float64 functions: special values", special_values64);
  run_case("fma32: crafted cases against std::fma", fma_crafted);
  run_case("fma32: random cases against std::fma", fma_random);
  return requant::test::finish();
}
