// Elementwise activations: values and derivatives against the formulas in long double, special values, loops
// against single calls, and the pinned bits.
#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "arith/elementwise.h"
#include "check.h"

namespace {

using namespace requant::arith;
using requant::test::check;
using requant::test::run_case;
using enum Elementwise;

constexpr float kInf = std::numeric_limits<float>::infinity();

std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }
std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }

/// FNV-1a over words.
struct Hash {
  std::uint64_t state = 0xcbf29ce484222325u;
  void add(std::uint64_t word) { state = (state ^ word) * 0x100000001b3u; }
};

/// A function with parameters, its bounds and its pinned bits. An error is allowed when it is within `ulp`
/// units in the last place of the true value or within `absolute`.
struct Case {
  const char* name;
  Elementwise function;
  ElementwiseParams params;
  double ulp;
  double absolute;
  double slope_absolute;
  std::uint64_t value_hash, slope_hash, table_hash;
};

// clang-format off
constexpr Case kCases[] = {
    // name                   function      parameters  ulp   absolute  slope    pinned: apply32, gradient32, apply64
    {"relu",                  relu,         {},         0.0,  0.0,      1e-9,
     0xe1756f148327ec2du, 0x2486895a664ffeecu, 0xa55969ec09772422u},
    {"relu6",                 relu6,        {},         0.0,  0.0,      1e-9,
     0xa038a53a465a43fdu, 0xac5fd372424ffeecu, 0xb52bbd4c0ee41367u},
    {"clip(-1.5, 2)",         clip,         {-1.5, 2},  0.0,  0.0,      1e-9,
     0x9f857f5b704a436cu, 0x608519c30ecffeecu, 0xabcd7cd73568f3c0u},
    {"leaky_relu(.01)",       leaky_relu,   {0.01},     0.5,  0.0,      1e-9,
     0x5b0a82b160875dbeu, 0x6f82435fb2272af6u, 0x2e81cd4f81d45bf4u},
    {"leaky_relu(-.3)",       leaky_relu,   {-0.3},     0.5,  0.0,      1e-9,
     0xb91e8464eeff328eu, 0x46fb7ae5003d3d46u, 0xc8320bb0ed28c043u},
    {"elu(1)",                elu,          {1.0},      1.7,  0.0,      6e-8,
     0x59a61a7375f1ac3bu, 0xf28fe11a723a2e2eu, 0x04c6616cd5b3198au},
    {"elu(.7)",               elu,          {0.7},      2.5,  0.0,      6e-8,
     0xaf596bec73fdabcau, 0x9c54ada20fe49911u, 0xeeb4766dbf0f3b09u},
    {"hard_sigmoid(.2, .5)",  hard_sigmoid, {0.2, 0.5}, 0.5,  6e-8,     1e-9,
     0x12c3085a65259e1cu, 0x24eda94d3770809au, 0x0ff723a90592c8f0u},
    {"hard_sigmoid(1/6, .5)", hard_sigmoid, {1.0 / 6.0, 0.5}, 0.5, 6e-8, 1e-9,
     0x6da6028f3c54d096u, 0x29d2ea8664edd413u, 0x425dcdc89792e90bu},
    {"hard_swish",            hard_swish,   {},         1.0,  2e-7,     1e-7,
     0x3f51e1f83b80ca97u, 0x32d0010f8d730daeu, 0x5e9dfb4ab3f9fa8cu},
    {"sigmoid",               sigmoid,      {},         2.41, 0.0,      4e-8,
     0x41725a175a64dcbbu, 0x7ffafd27edde400bu, 0x040f04f544e64c97u},
    {"tanh",                  tanh,         {},         1.34, 0.0,      1.5e-7,
     0x0c3f8aa5e5420b17u, 0xea327c5fbc164652u, 0x8c788042aac54ef7u},
    {"gelu",                  gelu,         {},         3.0,  1e-7,     1.5e-7,
     0xb73bbbae2d534e88u, 0x725750734738da93u, 0xc5ecf8ebceed5e83u},
    {"gelu_tanh",             gelu_tanh,    {},         3.0,  1e-7,     1.6e-7,
     0xcd902eff57ade3bdu, 0xc2daae8b5bf3223au, 0x9abd57976fc9c800u},
    {"silu",                  silu,         {},         3.5,  1e-42,    2.5e-7,
     0xc9366e02fb41d6e9u, 0xa0e3bc325f4b663cu, 0x00b197c40790899cu},
};
// clang-format on

/// The formulas of ONNX and PyTorch, with parameters as given.
long double formula(Elementwise function, long double a, long double b, long double x) {
  const auto sigma = [](long double v) {
    const long double e = std::exp(-std::fabs(v));
    return (v < 0.0L ? e : 1.0L) / (1.0L + e);
  };
  const long double pi = 3.14159265358979323846264338327950288L;
  switch (function) {
    case relu:
      return std::max(x, 0.0L);
    case relu6:
      return std::min(std::max(x, 0.0L), 6.0L);
    case clip:
      return std::min(std::max(x, a), b);
    case leaky_relu:
      return x < 0.0L ? a * x : x;
    case elu:
      return x < 0.0L ? a * std::expm1(x) : x;
    case hard_sigmoid:
      return std::max(0.0L, std::min(1.0L, a * x + b));
    case hard_swish:
      return x * std::max(0.0L, std::min(1.0L, x / 6.0L + 0.5L));
    case sigmoid:
      return sigma(x);
    case tanh:
      return std::tanh(x);
    case gelu:
      return 0.5L * x * std::erfc(-x / std::sqrt(2.0L));
    case gelu_tanh:
      return 0.5L * x * (1.0L + std::tanh(std::sqrt(2.0L / pi) * (x + 0.044715L * x * x * x)));
    case silu:
      return x * sigma(x);
  }
  return 0.0L;
}

/// Every 4093rd bit pattern, and a fine grid on [−24, 24].
const std::vector<float>& inputs() {
  static const std::vector<float> values = [] {
    std::vector<float> v;
    for (std::uint64_t u = 0; u < (1ull << 32); u += 4093) {
      v.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(u)));
    }
    for (int i = -196608; i <= 196608; ++i) v.push_back(static_cast<float>(i) * 0x1.0002p-13f);
    return v;
  }();
  return values;
}

long double ulp32(long double reference) {
  int exponent = 0;
  std::frexp(reference, &exponent);
  return std::ldexp(1.0L, std::max(exponent - 24, -149));
}

void values32() {
  for (const Case& c : kCases) {
    const auto a = static_cast<long double>(static_cast<float>(c.params.a));
    const auto b = static_cast<long double>(static_cast<float>(c.params.b));
    long double worst_ulp = 0.0L;
    long double worst_absolute = 0.0L;
    for (const float x : inputs()) {
      if (x != x || std::isinf(x)) continue;
      const long double r = formula(c.function, a, b, static_cast<long double>(x));
      const float y = apply32(c.function, c.params, x);
      const long double error = std::fabs(static_cast<long double>(y) - r);
      const long double in_ulp = error / ulp32(r);
      if (in_ulp > static_cast<long double>(c.ulp)) {
        worst_absolute = std::max(worst_absolute, error);
        if (error > static_cast<long double>(c.absolute)) {
          check(false, std::string(c.name) + "(" + std::to_string(x) + ") = " + std::to_string(y));
        }
      } else {
        worst_ulp = std::max(worst_ulp, in_ulp);
      }
    }
    std::printf("  %-22s within %.3Lf ULP, or absolute %.3Lg\n", c.name, worst_ulp, worst_absolute);
  }
}

void values64() {
  for (const Case& c : kCases) {
    long double worst = 0.0L;
    for (int i = -50000; i <= 50000; ++i) {
      const double x = i * 0.00071;
      const long double r = formula(c.function, static_cast<long double>(c.params.a),
                                    static_cast<long double>(c.params.b), static_cast<long double>(x));
      const long double error = std::fabs(static_cast<long double>(apply64(c.function, c.params, x)) - r);
      // Relative to 1: what a table rounds is f(x) / scale, and the scale covers the range of f.
      worst = std::max(worst, error / std::max(1.0L, std::fabs(r)));
    }
    std::printf("  %-22s apply64 within %.2Lg of the formula\n", c.name, worst);
    check(worst <= 1e-15L, c.name);
  }
}

/// Where the derivative jumps.
std::vector<double> kinks(const Case& c) {
  switch (c.function) {
    case relu:
    case leaky_relu:
    case elu:
      return {0.0};
    case relu6:
      return {0.0, 6.0};
    case clip:
      return {c.params.a, c.params.b};
    case hard_sigmoid:
      return {-c.params.b / c.params.a, (1.0 - c.params.b) / c.params.a};
    case hard_swish:
      return {-3.0, 3.0};
    default:
      return {};
  }
}

void gradients_by_differences() {
  constexpr long double kStep = 1e-5L;
  for (const Case& c : kCases) {
    const auto a = static_cast<long double>(static_cast<float>(c.params.a));
    const auto b = static_cast<long double>(static_cast<float>(c.params.b));
    const std::vector<double> jumps = kinks(c);
    long double worst = 0.0L;
    for (int i = -100000; i <= 100000; ++i) {
      const float x = static_cast<float>(i) * 0.00041f;
      const auto near = [&](double jump) { return std::fabs(static_cast<double>(x) - jump) < 2e-5; };
      if (std::any_of(jumps.begin(), jumps.end(), near)) continue;
      const auto wide = static_cast<long double>(x);
      const long double difference =
          (formula(c.function, a, b, wide + kStep) - formula(c.function, a, b, wide - kStep)) /
          (2.0L * kStep);
      const long double error =
          std::fabs(static_cast<long double>(gradient32(c.function, c.params, x)) - difference);
      worst = std::max(worst, error);
    }
    std::printf("  %-22s gradient32 within %.3Lg of the central difference\n", c.name, worst);
    check(worst <= static_cast<long double>(c.slope_absolute), c.name);
  }
}

void gradients_at_kinks() {
  const auto slope = [](Elementwise function, ElementwiseParams params, float x) {
    return gradient32(function, params, x);
  };
  check(slope(relu, {}, 0.0f) == 0.0f && slope(relu, {}, -0.0f) == 0.0f && slope(relu, {}, 0x1p-149f) == 1.0f,
        "relu");
  check(slope(relu6, {}, 0.0f) == 0.0f && slope(relu6, {}, 6.0f) == 0.0f && slope(relu6, {}, 5.9f) == 1.0f,
        "relu6");
  check(slope(clip, {-1, 2}, -1.0f) == 1.0f && slope(clip, {-1, 2}, 2.0f) == 1.0f, "clip inside");
  check(slope(clip, {-1, 2}, -0x1.000002p+0f) == 0.0f && slope(clip, {-1, 2}, 0x1.000002p+1f) == 0.0f,
        "clip outside");
  check(slope(leaky_relu, {0.25}, 0.0f) == 0.25f && slope(leaky_relu, {0.25}, 1.0f) == 1.0f, "leaky_relu");
  check(slope(elu, {0.5}, 0.0f) == 0.5f && slope(elu, {0.5}, -kInf) == 0.0f, "elu");
  check(slope(hard_sigmoid, {0.25, 0.5}, -2.0f) == 0.0f && slope(hard_sigmoid, {0.25, 0.5}, 2.0f) == 0.0f &&
            slope(hard_sigmoid, {0.25, 0.5}, 1.9f) == 0.25f,
        "hard_sigmoid");
  check(slope(hard_swish, {}, -3.0f) == 0.0f && slope(hard_swish, {}, 3.0f) == 1.0f, "hard_swish");
  check(slope(hard_swish, {}, 0.0f) == 0.5f, "hard_swish inside");
}

void special_values() {
  for (const Case& c : kCases) {
    for (const std::uint32_t nan : {0x7fc00000u, 0xffc00000u, 0x7fc12345u}) {
      const auto x = std::bit_cast<float>(nan);
      check(bits(apply32(c.function, c.params, x)) == nan, std::string(c.name) + ": NaN passes through");
      check(bits(gradient32(c.function, c.params, x)) == nan, std::string(c.name) + ": NaN in the gradient");
      const double y = apply64(c.function, c.params, static_cast<double>(x));
      check(y != y, std::string(c.name) + ": NaN in float64");
    }
    // Nothing but NaN gives NaN, and neither does a slope of 0.
    for (const float x : inputs()) {
      if (x != x) continue;
      const float y = apply32(c.function, c.params, x);
      const float g = gradient32(c.function, c.params, x);
      const double t = apply64(c.function, c.params, static_cast<double>(x));
      check(y == y && g == g && t == t, std::string(c.name) + ": a NaN is born");
      check(std::fabs(g) <= 1.6f, std::string(c.name) + ": gradients are bounded");
    }
    for (const float x : {kInf, -kInf, FLT_MAX, -FLT_MAX}) {
      const float g = gradient32(c.function, c.params, x);
      check(g == g, std::string(c.name) + ": gradient at the ends");
    }
  }
  const auto at = [](Elementwise function, float x, ElementwiseParams params = {}) {
    return bits(apply32(function, params, x));
  };
  const std::uint32_t minus_zero = bits(-0.0f);
  check(at(relu, -1.0f) == 0 && at(relu, -kInf) == 0 && at(relu, kInf) == bits(kInf), "relu");
  check(at(relu, -0.0f) == minus_zero && at(relu6, -0.0f) == minus_zero, "relu keeps -0");
  check(at(relu6, 6.5f) == bits(6.0f) && at(relu6, kInf) == bits(6.0f) && at(relu6, -kInf) == 0, "relu6");
  check(at(clip, 3.0f, {-1, 2}) == bits(2.0f) && at(clip, -kInf, {-1, 2}) == bits(-1.0f), "clip");
  check(at(clip, 3.0f, default_params(clip)) == bits(3.0f) &&
            at(clip, kInf, default_params(clip)) == bits(kInf),
        "clip without bounds");
  check(at(clip, 0.0f, {2, 1}) == bits(1.0f), "clip with min above max gives max, as ONNX");
  check(at(leaky_relu, -100.0f, {0.01}) == bits(0.01f * -100.0f) &&
            at(leaky_relu, -kInf, {0.01}) == bits(-kInf),
        "leaky_relu");
  check(at(leaky_relu, -kInf, {0.0}) == minus_zero, "leaky_relu with slope 0");
  check(at(elu, -kInf, {1}) == bits(-1.0f) && at(elu, kInf, {1}) == bits(kInf), "elu at the ends");
  check(at(elu, -0.0f, {1}) == minus_zero && at(elu, -0x1p-140f, {1}) == bits(-0x1p-140f), "elu near 0");
  check(at(hard_sigmoid, -2.5f, {0.2, 0.5}) == 0 && at(hard_sigmoid, 2.5f, {0.2, 0.5}) == bits(1.0f),
        "hard_sigmoid");
  check(at(hard_sigmoid, -kInf, {0, 0.5}) == bits(0.5f), "hard_sigmoid with alpha 0");
  check(at(hard_swish, -3.0f) == minus_zero && at(hard_swish, 3.0f) == bits(3.0f), "hard_swish");
  for (const Elementwise gated : {hard_swish, gelu, gelu_tanh, silu}) {
    check(at(gated, -kInf) == minus_zero && at(gated, -FLT_MAX) == minus_zero, "gated functions of -Inf");
    check(at(gated, kInf) == bits(kInf) && at(gated, FLT_MAX) == bits(FLT_MAX), "gated functions of Inf");
    check(at(gated, 0.0f) == 0 && at(gated, -0.0f) == minus_zero, "gated functions of 0");
    check(gradient32(gated, {}, kInf) == 1.0f && gradient32(gated, {}, -kInf) == 0.0f, "their slopes");
    check(gradient32(gated, {}, 0.0f) == 0.5f, "their slope at 0");
    check(apply64(gated, {}, -std::numeric_limits<double>::infinity()) == 0.0, "gated functions in float64");
  }
  check(at(sigmoid, -kInf) == 0 && at(sigmoid, kInf) == bits(1.0f) && at(tanh, -kInf) == bits(-1.0f),
        "limits");
  check(gradient32(tanh, {}, 0.0f) == 1.0f && gradient32(sigmoid, {}, 0.0f) == 0.25f, "slopes at 0");
  check(gradient32(tanh, {}, kInf) == 0.0f && gradient32(sigmoid, {}, -kInf) == 0.0f, "slopes at the ends");
  static_assert(apply32<relu>(-1.0f, 0.0f, 0.0f) == 0.0f && gradient32<gelu>(0.0f, 0.0f, 0.0f) == 0.5f);
}

/// Loops, of every length around the vector widths, in place and not, against single calls.
void loops() {
  constexpr std::size_t kMax = 70;
  constexpr float kCanary = 12345.0f;
  std::array<float, kMax> x{};
  std::array<float, kMax> dy{};
  for (std::size_t i = 0; i < kMax; ++i) {
    x[i] = static_cast<float>(static_cast<int>(i * 37 % kMax) - 35) * 0.27f;
    dy[i] = static_cast<float>(i) * 0.31f - 9.0f;
  }
  x[3] = kInf;
  x[17] = -kInf;
  x[29] = -0.0f;
  x[31] = std::numeric_limits<float>::quiet_NaN();
  x[40] = -200.0f;
  for (const Case& c : kCases) {
    for (std::size_t n = 0; n <= kMax; ++n) {
      std::array<float, kMax + 1> out;
      std::array<float, kMax + 1> gradient;
      out.fill(kCanary);
      gradient.fill(kCanary);
      std::array<float, kMax> value_in_place = x;
      std::array<float, kMax> slope_over_x = x;
      std::array<float, kMax> slope_over_dy = dy;
      apply32(c.function, c.params, x.data(), out.data(), n);
      apply32(c.function, c.params, value_in_place.data(), value_in_place.data(), n);
      gradient32(c.function, c.params, x.data(), dy.data(), gradient.data(), n);
      gradient32(c.function, c.params, slope_over_x.data(), dy.data(), slope_over_x.data(), n);
      gradient32(c.function, c.params, x.data(), slope_over_dy.data(), slope_over_dy.data(), n);
      for (std::size_t i = 0; i < n; ++i) {
        const float y = apply32(c.function, c.params, x[i]);
        const float g = dy[i] * gradient32(c.function, c.params, x[i]);
        check(bits(out[i]) == bits(y) && bits(value_in_place[i]) == bits(y),
              std::string(c.name) + ": values");
        check(bits(gradient[i]) == bits(g) && bits(slope_over_x[i]) == bits(g) &&
                  bits(slope_over_dy[i]) == bits(g),
              std::string(c.name) + ": gradients");
      }
      check(out[n] == kCanary && gradient[n] == kCanary, std::string(c.name) + ": writes past the end");
    }
  }
}

void pinned_bits() {
  std::vector<float> out(inputs().size());
  const std::vector<float> ones(inputs().size(), 1.0f);
  for (const Case& c : kCases) {
    Hash value, slope, table, value_loop, slope_loop;
    for (const float x : inputs()) {
      value.add(bits(apply32(c.function, c.params, x)));
      slope.add(bits(gradient32(c.function, c.params, x)));
    }
    for (int i = -20000; i <= 20000; ++i) table.add(bits(apply64(c.function, c.params, i * 0.00137)));
    apply32(c.function, c.params, inputs().data(), out.data(), out.size());
    for (const float y : out) value_loop.add(bits(y));
    // A product makes a signalling NaN quiet; all else stays.
    gradient32(c.function, c.params, inputs().data(), ones.data(), out.data(), out.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      slope_loop.add(inputs()[i] == inputs()[i] ? bits(out[i]) : bits(inputs()[i]));
    }
    char text[160];
    std::snprintf(text, sizeof text, "%s: the bits changed: 0x%016llxu, 0x%016llxu, 0x%016llxu", c.name,
                  static_cast<unsigned long long>(value.state), static_cast<unsigned long long>(slope.state),
                  static_cast<unsigned long long>(table.state));
    check(value.state == c.value_hash && slope.state == c.slope_hash && table.state == c.table_hash, text);
    check(value_loop.state == value.state && slope_loop.state == slope.state,
          std::string(c.name) + ": loops differ from single calls");
  }
}

void defaults() {
  check(default_params(leaky_relu).a == 0.01 && default_params(elu).a == 1.0, "leaky_relu, elu");
  check(default_params(hard_sigmoid).a == 0.2 && default_params(hard_sigmoid).b == 0.5, "hard_sigmoid");
  check(std::isinf(default_params(clip).a) && std::isinf(default_params(clip).b), "clip");
}

}  // namespace

int main(int argc, char** argv) {
  // Where the bits are the pinned ones, accuracy need not be shown again: an emulator takes minutes for long
  // double.
  if (!requant::test::has_argument(argc, argv, "--quick")) {
    run_case("elementwise: apply32 against the formulas", values32);
    run_case("elementwise: apply64 against the formulas", values64);
    run_case("elementwise: gradient32 against central differences", gradients_by_differences);
  }
  run_case("elementwise: gradients at kinks", gradients_at_kinks);
  run_case("elementwise: special values", special_values);
  run_case("elementwise: loops", loops);
  run_case("elementwise: default parameters", defaults);
  run_case("elementwise: pinned bits", pinned_bits);
  return requant::test::finish();
}
