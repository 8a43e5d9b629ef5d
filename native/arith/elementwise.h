// Elementwise activations: value in float32 (float layers, training), value in float64 (256-entry tables) and
// derivative in float32 (training). Each formula is written once, for both float types; its steps are rounded
// separately in the order written, without branches, FMA or libm (see float32_functions.h).
//
// NaN passes through every function unchanged. No NaN is born from another input: where a factor is 0 and x
// is infinite the limit is taken (gelu, silu and hard_swish of −Inf are −0), because the sign of a NaN that
// the hardware makes differs between CPUs. Parameters are finite (clip: or infinite), which the caller has
// checked.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "arith/float32_functions.h"
#include "arith/float64_functions.h"

// The arrays of the loops below are the same or disjoint, so iterations are independent. (clang also takes
// the pragma as an order, and warns in builds that do not vectorize, such as those with sanitizers.)
#if defined(__clang__)
#define REQUANT_INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpass-failed"
#else
#define REQUANT_INDEPENDENT_ITERATIONS _Pragma("GCC ivdep")
#endif

namespace requant::arith {

enum class Elementwise : std::uint8_t {
  relu,
  relu6,
  clip,
  leaky_relu,
  elu,
  hard_sigmoid,
  hard_swish,
  sigmoid,
  tanh,
  gelu,
  gelu_tanh,
  silu,
};

/// clip: a = min, b = max. leaky_relu: a = slope. elu: a = alpha. hard_sigmoid: a = alpha, b = beta.
/// The float32 functions round a and b to float32 first.
struct ElementwiseParams {
  double a = 0.0;
  double b = 0.0;
};

/// The defaults of ONNX, which are PyTorch's where PyTorch has the function with that parameter.
constexpr ElementwiseParams default_params(Elementwise function) noexcept {
  switch (function) {
    case Elementwise::clip:
      return {-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
    case Elementwise::leaky_relu:
      return {0.01, 0.0};
    case Elementwise::elu:
      return {1.0, 0.0};
    case Elementwise::hard_sigmoid:
      return {0.2, 0.5};
    default:
      return {};
  }
}

namespace elementwise_detail {

REQUANT_INLINE float expm1_of(float x) noexcept { return expm1_32(x); }
REQUANT_INLINE double expm1_of(double x) noexcept { return expm1_64(x); }
REQUANT_INLINE float tanh_of(float x) noexcept { return tanh32(x); }
REQUANT_INLINE double tanh_of(double x) noexcept { return tanh64(x); }
REQUANT_INLINE float erf_of(float x) noexcept { return erf32(x); }
REQUANT_INLINE double erf_of(double x) noexcept { return erf64(x); }
REQUANT_INLINE float sigmoid_of(float x) noexcept { return sigmoid32(x); }
REQUANT_INLINE double sigmoid_of(double x) noexcept { return sigmoid64(x); }

// Rounded once to F where they are used.
inline constexpr double kRootHalf = 0x1.6a09e667f3bcdp-1;          // √½
inline constexpr double kRootTwoOverPi = 0x1.9884533d43651p-1;     // √(2/π)
inline constexpr double kOneOverRootTwoPi = 0x1.9884533d43651p-2;  // 1/√(2π)
inline constexpr double kGeluCubic = 0.044715;

REQUANT_INLINE float select(bool condition, float a, float b) noexcept {
  return float32_detail::select(condition, a, b);
}
REQUANT_INLINE double select(bool condition, double a, double b) noexcept { return condition ? a : b; }

/// min(max(x, lo), hi), as maxps(lo, x) and minps(hi, x) compute it: keeps NaN, and −0 at a bound of 0.
template <std::floating_point F>
REQUANT_INLINE F clamp(F x, F lo, F hi) noexcept {
  const F above = select(x < lo, lo, x);
  return select(above > hi, hi, above);
}

/// fl(gate · x), with 0 · ±Inf = ±0.
template <std::floating_point F>
REQUANT_INLINE F gated(F gate, F x) noexcept {
  constexpr F kMax = std::numeric_limits<F>::max();
  return gate * select(gate == F(0), clamp(x, -kMax, kMax), x);
}

/// clamp(fl(fl(alpha · x) + beta), 0, 1).
template <std::floating_point F>
REQUANT_INLINE F hard_gate(F x, F alpha, F beta) noexcept {
  return clamp(gated(alpha, x) + beta, F(0), F(1));
}

/// fl(½ · fl(1 + y)).
template <std::floating_point F>
REQUANT_INLINE F half_one_plus(F y) noexcept {
  return F(0.5) * (F(1) + y);
}

/// fl(fl(√(2/π) · x) · fl(1 + fl(.044715 · fl(x · x)))).
template <std::floating_point F>
REQUANT_INLINE F gelu_tanh_argument(F x) noexcept {
  const F square = x * x;
  const F factor = F(1) + F(kGeluCubic) * square;
  return (F(kRootTwoOverPi) * x) * factor;
}

template <Elementwise E, std::floating_point F>
REQUANT_INLINE F value(F x, F a, F b) noexcept {
  if constexpr (E == Elementwise::relu) {
    return select(x < F(0), F(0), x);
  } else if constexpr (E == Elementwise::relu6) {
    return clamp(x, F(0), F(6));
  } else if constexpr (E == Elementwise::clip) {
    return clamp(x, a, b);
  } else if constexpr (E == Elementwise::leaky_relu) {
    const F scaled = gated(a, x);
    return select(x < F(0), scaled, x);
  } else if constexpr (E == Elementwise::elu) {
    const F scaled = a * expm1_of(clamp(x, -std::numeric_limits<F>::infinity(), F(0)));
    return select(x > F(0), x, scaled);
  } else if constexpr (E == Elementwise::hard_sigmoid) {
    return hard_gate(x, a, b);
  } else if constexpr (E == Elementwise::hard_swish) {
    return gated(hard_gate(x, F(1) / F(6), F(0.5)), x);
  } else if constexpr (E == Elementwise::sigmoid) {
    return sigmoid_of(x);
  } else if constexpr (E == Elementwise::tanh) {
    return tanh_of(x);
  } else if constexpr (E == Elementwise::gelu) {
    return gated(half_one_plus(erf_of(F(kRootHalf) * x)), x);
  } else if constexpr (E == Elementwise::gelu_tanh) {
    return gated(half_one_plus(tanh_of(gelu_tanh_argument(x))), x);
  } else {
    static_assert(E == Elementwise::silu);
    return gated(sigmoid_of(x), x);
  }
}

/// e / (1 + e)² with e = exp(−|x|): the derivative of the logistic function, accurate at both ends.
REQUANT_INLINE float sigmoid_slope(float x) noexcept {
  const float e = exp32(-float32_detail::magnitude(x));
  const float d = 1.0f + e;
  return e / (d * d);
}

/// At kinks as PyTorch: relu'(0) = relu6'(0) = relu6'(6) = 0; clip' = 1 on [min, max]; leaky_relu'(0) =
/// slope; elu'(0) = alpha; hard_sigmoid' = 0 where the value is 0 or 1; hard_swish'(−3) = 0, hard_swish'(3) =
/// 1 (PyTorch 2.6 gives −½ and 1½ there, reported as a bug: pytorch#147801).
template <Elementwise E>
REQUANT_INLINE float slope(float x, float a, float b) noexcept {
  if constexpr (E == Elementwise::relu) {
    return select(x > 0.0f, 1.0f, 0.0f);
  } else if constexpr (E == Elementwise::relu6) {
    return select((x > 0.0f) & (x < 6.0f), 1.0f, 0.0f);
  } else if constexpr (E == Elementwise::clip) {
    return select((x >= a) & (x <= b), 1.0f, 0.0f);
  } else if constexpr (E == Elementwise::leaky_relu) {
    return select(x > 0.0f, 1.0f, a);
  } else if constexpr (E == Elementwise::elu) {
    const float scaled = a * exp32(clamp(x, -std::numeric_limits<float>::infinity(), 0.0f));
    return select(x > 0.0f, 1.0f, scaled);
  } else if constexpr (E == Elementwise::hard_sigmoid) {
    const float gate = hard_gate(x, a, b);
    return select((gate > 0.0f) & (gate < 1.0f), a, 0.0f);
  } else if constexpr (E == Elementwise::hard_swish) {
    constexpr float kSixth = 1.0f / 6.0f;
    const float gate = hard_gate(x, kSixth, 0.5f);
    const float inside = gate + kSixth * x;  // (x · (x/6 + ½))′ = (x/6 + ½) + x/6
    return select((gate > 0.0f) & (gate < 1.0f), inside, gate);
  } else if constexpr (E == Elementwise::sigmoid) {
    return sigmoid_slope(x);
  } else if constexpr (E == Elementwise::tanh) {
    return 4.0f * sigmoid_slope(x + x);  // 1 − tanh²
  } else if constexpr (E == Elementwise::gelu) {
    // Φ(x) + x · φ(x). From |x| = 16 on it is 0 or 1, and no product below overflows.
    const float c = clamp(x, -16.0f, 16.0f);
    const float cumulative = half_one_plus(erf32(static_cast<float>(kRootHalf) * c));
    const float density = static_cast<float>(kOneOverRootTwoPi) * exp32((-0.5f * c) * c);
    return cumulative + c * density;
  } else if constexpr (E == Elementwise::gelu_tanh) {
    // ½(1 + tanh u) + ½x · (1 − tanh² u) · u′
    const float c = clamp(x, -16.0f, 16.0f);
    const float u = gelu_tanh_argument(c);
    const float factor = 1.0f + static_cast<float>(3.0 * kGeluCubic) * (c * c);
    const float u_slope = static_cast<float>(kRootTwoOverPi) * factor;
    const float tanh_slope = 4.0f * sigmoid_slope(u + u);
    return half_one_plus(tanh32(u)) + ((0.5f * c) * tanh_slope) * u_slope;
  } else {
    static_assert(E == Elementwise::silu);
    // σ(x) · (1 + x · σ(−x)). From |x| = 128 on it is 0 or 1.
    const float c = clamp(x, -128.0f, 128.0f);
    const float e = exp32(-float32_detail::magnitude(c));
    const float d = 1.0f + e;
    const float up = select(c < 0.0f, e, 1.0f) / d;
    const float down = select(c < 0.0f, 1.0f, e) / d;
    return up * (1.0f + c * down);
  }
}

/// Calls visit.operator()<E>() for the function at hand.
template <typename Visit>
constexpr auto visit(Elementwise function, Visit visit) noexcept {
  switch (function) {
    case Elementwise::relu:
      return visit.template operator()<Elementwise::relu>();
    case Elementwise::relu6:
      return visit.template operator()<Elementwise::relu6>();
    case Elementwise::clip:
      return visit.template operator()<Elementwise::clip>();
    case Elementwise::leaky_relu:
      return visit.template operator()<Elementwise::leaky_relu>();
    case Elementwise::elu:
      return visit.template operator()<Elementwise::elu>();
    case Elementwise::hard_sigmoid:
      return visit.template operator()<Elementwise::hard_sigmoid>();
    case Elementwise::hard_swish:
      return visit.template operator()<Elementwise::hard_swish>();
    case Elementwise::sigmoid:
      return visit.template operator()<Elementwise::sigmoid>();
    case Elementwise::tanh:
      return visit.template operator()<Elementwise::tanh>();
    case Elementwise::gelu:
      return visit.template operator()<Elementwise::gelu>();
    case Elementwise::gelu_tanh:
      return visit.template operator()<Elementwise::gelu_tanh>();
    case Elementwise::silu:
      break;
  }
  return visit.template operator()<Elementwise::silu>();
}

}  // namespace elementwise_detail

/// The float32 definition.
template <Elementwise E>
REQUANT_INLINE float apply32(float x, float a, float b) noexcept {
  return elementwise_detail::select(x != x, x, elementwise_detail::value<E>(x, a, b));
}

/// The float64 definition, for tables.
template <Elementwise E>
REQUANT_INLINE double apply64(double x, double a, double b) noexcept {
  return elementwise_detail::select(x != x, x, elementwise_detail::value<E>(x, a, b));
}

/// The derivative at x.
template <Elementwise E>
REQUANT_INLINE float gradient32(float x, float a, float b) noexcept {
  return elementwise_detail::select(x != x, x, elementwise_detail::slope<E>(x, a, b));
}

constexpr float apply32(Elementwise function, ElementwiseParams params, float x) noexcept {
  const auto a = static_cast<float>(params.a);
  const auto b = static_cast<float>(params.b);
  return elementwise_detail::visit(function, [=]<Elementwise E>() { return apply32<E>(x, a, b); });
}

constexpr double apply64(Elementwise function, ElementwiseParams params, double x) noexcept {
  return elementwise_detail::visit(function,
                                   [=]<Elementwise E>() { return apply64<E>(x, params.a, params.b); });
}

constexpr float gradient32(Elementwise function, ElementwiseParams params, float x) noexcept {
  const auto a = static_cast<float>(params.a);
  const auto b = static_cast<float>(params.b);
  return elementwise_detail::visit(function, [=]<Elementwise E>() { return gradient32<E>(x, a, b); });
}

/// out[i] = f(in[i]). `out` is `in` or does not overlap it.
constexpr void apply32(Elementwise function, ElementwiseParams params, const float* in, float* out,
                       std::size_t n) noexcept {
  const auto a = static_cast<float>(params.a);
  const auto b = static_cast<float>(params.b);
  elementwise_detail::visit(function, [=]<Elementwise E>() {
    REQUANT_INDEPENDENT_ITERATIONS
    for (std::size_t i = 0; i < n; ++i) out[i] = apply32<E>(in[i], a, b);
  });
}

/// dx[i] = fl(dy[i] · f′(x[i])). `dx` is `x` or `dy` or overlaps neither.
constexpr void gradient32(Elementwise function, ElementwiseParams params, const float* x, const float* dy,
                          float* dx, std::size_t n) noexcept {
  const auto a = static_cast<float>(params.a);
  const auto b = static_cast<float>(params.b);
  elementwise_detail::visit(function, [=]<Elementwise E>() {
    REQUANT_INDEPENDENT_ITERATIONS
    for (std::size_t i = 0; i < n; ++i) dx[i] = dy[i] * gradient32<E>(x[i], a, b);
  });
}

}  // namespace requant::arith

#undef REQUANT_INDEPENDENT_ITERATIONS
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
