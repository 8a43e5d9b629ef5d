// exp, expm1, log, tanh, erf and the logistic function on float64, for the 256-entry tables and for
// reductions along a row. Clear rather than fast: Taylor series and continued fractions in IEEE + − × ÷, so
// that every CPU and compiler gives the same bits. Build with -ffp-contract=off; no libm, no FMA.
//
// Largest relative errors seen over 600,000 inputs each (test/native/float_functions_test.cpp states the
// bounds): exp64 1.7e-16, expm1_64 2.6e-16, log64 1.6e-16, tanh64 4.2e-16, erf64 5.6e-16, sigmoid64 3.0e-16.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace requant::arith {

namespace float64_detail {

// ln 2 = kLn2High + kLn2Low. The high part has 32 bits, so that k · kLn2High is exact for every exponent k.
inline constexpr double kLn2High = 0x1.62e42feep-1;
inline constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

constexpr double magnitude(double x) noexcept { return x < 0.0 ? -x : x; }

/// 2^k for −1022 ≤ k ≤ 1023.
constexpr double power_of_two(std::int64_t k) noexcept {
  return std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
}

/// (exp(r) − 1) / r = 1 + r/2 · (1 + r/3 · (1 + r/4 · …)) for |r| ≤ 1: 1/21! is below half an ULP.
constexpr double expm1_over(double r) noexcept {
  double p = 1.0;
  for (int n = 20; n >= 2; --n) p = 1.0 + r * p / n;
  return p;
}

}  // namespace float64_detail

/// exp(x) = 2^k · exp(r), k = rne(x / ln 2).
constexpr double exp64(double x) noexcept {
  using namespace float64_detail;
  if (x != x) return x;
  if (x > 710.0) return std::numeric_limits<double>::infinity();
  if (x < -746.0) return 0.0;
  constexpr double kRoundToInteger = 0x1.8p+52;  // as in float32_functions.h
  const double k = (x * 0x1.71547652b82fep+0 + kRoundToInteger) - kRoundToInteger;
  const double r = (x - k * kLn2High) - k * kLn2Low;
  const double y = 1.0 + r * expm1_over(r);
  const auto exponent = static_cast<std::int64_t>(k);
  const std::int64_t half = exponent >> 1;  // 2^k may be no double: two steps, only the second one rounds
  return y * power_of_two(half) * power_of_two(exponent - half);
}

/// exp(x) − 1.
constexpr double expm1_64(double x) noexcept {
  using namespace float64_detail;
  return magnitude(x) <= 1.0 ? x * expm1_over(x) : exp64(x) - 1.0;
}

/// Natural logarithm. log(±0) = −Inf, log(x < 0) = NaN.
constexpr double log64(double x) noexcept {
  using namespace float64_detail;
  if (x != x || x == std::numeric_limits<double>::infinity()) return x;
  if (x == 0.0) return -std::numeric_limits<double>::infinity();
  if (x < 0.0) return std::numeric_limits<double>::quiet_NaN();
  const bool subnormal = x < std::numeric_limits<double>::min();
  const auto bits = std::bit_cast<std::uint64_t>(subnormal ? x * 0x1p54 : x);
  std::int64_t e = static_cast<std::int64_t>(bits >> 52) - 1023 - (subnormal ? 54 : 0);
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
  if (m > 0x1.6a09e667f3bcdp+0) {  // x = 2^e · m with m in (√½, √2]
    m *= 0.5;
    e += 1;
  }
  // log(m) = 2 · atanh(s) = 2s · (1 + s²/3 + s⁴/5 + …), s = (m − 1)/(m + 1), s² < .0295. With f = m − 1,
  // which is exact, 2s = f − s·f: so the leading term is exact and the rest is small beside it.
  const double f = m - 1.0;
  const double s = f / (m + 1.0);
  const double square = s * s;
  double tail = 0.0;
  for (int n = 27; n >= 3; n -= 2) tail = (tail + 1.0 / n) * square;
  const double correction = s * (2.0 * tail - f);
  const auto k = static_cast<double>(e);
  return k * kLn2High + (f + (correction + k * kLn2Low));
}

/// tanh(x) = (exp(2x) − 1) / (exp(2x) + 1).
constexpr double tanh64(double x) noexcept {
  using namespace float64_detail;
  if (x != x || x == 0.0) return x;
  const double a = magnitude(x);
  if (a > 20.0) return x < 0.0 ? -1.0 : 1.0;
  const double e = expm1_64(2.0 * a);
  const double y = e / (e + 2.0);
  return x < 0.0 ? -y : y;
}

namespace float64_detail {

/// erf(x) = 2x/√π · exp(−x²) · (1 + 2x²/3 · (1 + 2x²/5 · (1 + 2x²/7 · …))): no cancellation. For 0 ≤ x < 2.
constexpr double erf_series(double x) noexcept {
  const double square = x * x;
  double sum = 1.0;
  for (int n = 60; n >= 1; --n) sum = 1.0 + (2.0 * square) * sum / (2 * n + 1);
  constexpr double kTwoOverRootPi = 0x1.20dd750429b6dp+0;
  return kTwoOverRootPi * x * exp64(-square) * sum;
}

/// 1 − erf(x) = exp(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))). For x ≥ 2.
constexpr double erfc_fraction(double x) noexcept {
  double f = x;
  for (int n = 100; n >= 1; --n) f = x + 0.5 * n / f;
  constexpr double kOneOverRootPi = 0x1.20dd750429b6dp-1;
  return kOneOverRootPi * exp64(-(x * x)) / f;
}

}  // namespace float64_detail

/// erf(x): the series below 2, one minus the continued fraction below 6, ±1 beyond.
constexpr double erf64(double x) noexcept {
  using namespace float64_detail;
  if (x != x || x == 0.0) return x;
  const double a = magnitude(x);
  const double y = a < 2.0 ? erf_series(a) : a < 6.0 ? 1.0 - erfc_fraction(a) : 1.0;
  return x < 0.0 ? -y : y;
}

/// 1 / (1 + exp(−x)), for x < 0 as exp(x) / (1 + exp(x)).
constexpr double sigmoid64(double x) noexcept {
  if (x != x) return x;
  const double e = exp64(-float64_detail::magnitude(x));
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

}  // namespace requant::arith
