// requant/kernels: the integer operators; requant/fp8: rounding to grids.
#include "addon/convert.h"
#include "addon/elementwise_names.h"
#include "addon/functions.h"
#include "addon/handle.h"
#include "arith/activation_table.h"
#include "gemm/packed_weights.h"
#include "ops/float_grid.h"
#include "ops/qgemm_op.h"
#include "ops/quantize_ops.h"

namespace requant::addon {
namespace {

using Weights = Handle<const gemm::PackedWeights>;

ops::ConstCodes const_codes(const Napi::Value& value, const char* name) {
  const ops::Codes c = codes(value, name);
  return {c.data, c.size, c.is_unsigned};
}

/// { multiplier, shift, zeroPoint, min, max, rounding }
gemm::RequantizeSpec requantize_spec(const Napi::Value& value) {
  const auto o = value.As<Napi::Object>();
  gemm::RequantizeSpec spec;
  spec.multiplier = int32s(o.Get("multiplier"), "requantize.multiplier");
  spec.shift = int32s(o.Get("shift"), "requantize.shift");
  spec.zero_point = int32(o.Get("zeroPoint"), "requantize.zeroPoint");
  spec.lo = int32(o.Get("min"), "requantize.min");
  spec.hi = int32(o.Get("max"), "requantize.max");
  spec.rounding = rounding(o.Get("rounding"));
  return spec;
}

}  // namespace

/// (weights, outFeatures, inFeatures, zeroPoint?) → handle
Napi::Value pack_weights(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ops::Codes weights = codes(info[0], "weights");
  gemm::WeightSource source{weights.data, weights.is_unsigned, index(info[1], "outFeatures"),
                            index(info[2], "inFeatures"), optional_int32s(info[3], "zeroPoint")};
  check(env, ops::check_weights(source, weights.size));
  auto packed = unwrap(env, gemm::PackedWeights::make(*active_kernel(env).qgemm, source));
  const size_t bytes = packed->bytes();
  return Weights::wrap(env, std::move(packed), bytes);
}

Napi::Value release_weights(const Napi::CallbackInfo& info) {
  Weights::of(info[0]).release(info.Env());
  return info.Env().Undefined();
}

/// (x, handle, xZeroPoint, bias?, requantize?, dequantizeScale?, out)
Napi::Value qgemm(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto weights = Weights::get(info[1]);
  ops::QGemmRequest request;
  request.x = const_codes(info[0], "x");
  request.weights = weights.get();
  request.x_zero_point = int32(info[2], "xZeroPoint");
  request.bias = optional_int32s(info[3], "bias");
  request.dequantize_scale = optional_floats(info[5], "dequantize.scale");
  if (!info[4].IsUndefined()) {
    const ops::Codes out = codes(info[6], "out");
    request.requantize = requantize_spec(info[4]);
    request.out_is_unsigned = out.is_unsigned;
    request.out = out.data;
    request.out_size = out.size;
  } else if (!info[5].IsUndefined()) {
    const auto out = floats(info[6], "out");
    request.out = out.data();
    request.out_size = out.size();
  } else {
    const auto out = int32s(info[6], "out");
    request.out = out.data();
    request.out_size = out.size();
  }
  check(env, ops::qgemm(active_kernel(env), request));
  return info[6];
}

/// (acc, requantize, out)
Napi::Value requantize(const Napi::CallbackInfo& info) {
  check(info.Env(), ops::requantize(active_kernel(info.Env()), int32s(info[0], "acc"),
                                    requantize_spec(info[1]), codes(info[2], "out")));
  return info[2];
}

/// (x, scale, zeroPoint, out)
Napi::Value quantize_linear(const Napi::CallbackInfo& info) {
  check(info.Env(), ops::quantize_linear(active_kernel(info.Env()), floats(info[0], "x"),
                                         static_cast<float>(number(info[1], "scale")),
                                         int32(info[2], "zeroPoint"), codes(info[3], "out")));
  return info[3];
}

/// (q, scale, zeroPoint, out)
Napi::Value dequantize_linear(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto scale = static_cast<float>(number(info[1], "scale"));
  const int32_t zero_point = int32(info[2], "zeroPoint");
  const auto out = floats(info[3], "out");
  const bool is_int32 =
      info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_int32_array;
  check(env, is_int32 ? ops::dequantize_linear(int32s(info[0], "q"), scale, zero_point, out)
                      : ops::dequantize_linear(active_kernel(env), const_codes(info[0], "q"), scale,
                                               zero_point, out));
  return info[3];
}

/// (x, out) → { scale, zeroPoint }
Napi::Value dynamic_quantize_linear(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  arith::DynamicParams params;
  check(env, ops::dynamic_quantize_linear(active_kernel(env), floats(info[0], "x"), params,
                                          codes(info[1], "out")));
  Napi::Object result = Napi::Object::New(env);
  result.Set("scale", params.scale);
  result.Set("zeroPoint", params.zero_point);
  return result;
}

/// (x, { mantissa, minExponent, limit, numerator }, denominators, scaled, out): numbers in a Float32Array, or
/// sums of squared errors in a Float64Array
[[gnu::cold]] Napi::Value round_to_grid(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto& kernel = active_kernel(env);
  const auto x = floats(info[0], "x");
  const FloatGrid format = float_grid(info[1].As<Napi::Object>());
  const auto denominators = floats(info[2], "denominators");
  const bool errors =
      info[4].IsTypedArray() && info[4].As<Napi::TypedArray>().TypedArrayType() == napi_float64_array;
  check(env, errors ? ops::grid_errors(kernel, x, format, denominators, doubles(info[4], "errors"))
                    : ops::round_to_grid(kernel, {x, format, denominators, boolean(info[3], "scaled"),
                                                  floats(info[4], "out")}));
  return info[4];
}

/// (function, a, b, input scale, input zero point, input is unsigned, output scale, zero point, is unsigned)
/// → Uint8Array of 256 bytes
Napi::Value activation_table(const Napi::CallbackInfo& info) {
  const auto grid = [&](size_t first) {
    const auto range = ops::range_of(boolean(info[first + 2], "unsigned"));
    return arith::TableGrid{number(info[first], "scale"),
                            {int32(info[first + 1], "zeroPoint"), range.lo, range.hi}};
  };
  const auto table = arith::activation_table(elementwise_function(info[0]),
                                             {number(info[1], "a"), number(info[2], "b")}, grid(3), grid(6));
  Napi::Uint8Array result = Napi::Uint8Array::New(info.Env(), table.size());
  std::copy(table.begin(), table.end(), result.Data());
  return result;
}

}  // namespace requant::addon
