#include "addon/convert.h"

#include <cmath>

#include "addon/rows.h"
#include "dispatch/registry.h"
#include "parallel/pool_size.h"

namespace requant::addon {
namespace {

[[noreturn]] void wrong_type(Napi::Env env, const char* name, const char* expected) {
  throw_status(env, {Code::argument, std::string("expected ") + name + " to be " + expected});
}

template <class T>
std::span<T> elements(const Napi::Value& value, napi_typedarray_type type, const char* name,
                      const char* expected) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    wrong_type(value.Env(), name, expected);
  }
  auto array = value.As<Napi::TypedArrayOf<T>>();
  return {array.Data(), array.ElementLength()};
}

}  // namespace

void throw_status(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message());
  error.Set("code", Napi::String::New(env, code_name(status.code())));
  throw error;
}

void check(Napi::Env env, const Status& status) {
  if (!status.ok()) throw_status(env, status);
}

double number(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) wrong_type(value.Env(), name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

int32_t int32(const Napi::Value& value, const char* name) {
  const double v = number(value, name);
  if (!(v >= INT32_MIN && v <= INT32_MAX) || v != std::trunc(v)) wrong_type(value.Env(), name, "an int32");
  return static_cast<int32_t>(v);
}

size_t index(const Napi::Value& value, const char* name) {
  const double v = number(value, name);
  if (!(v >= 0 && v <= 9007199254740991.0) || v != std::trunc(v)) wrong_type(value.Env(), name, "an index");
  return static_cast<size_t>(v);
}

bool boolean(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) wrong_type(value.Env(), name, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

std::string string(const Napi::Value& value, const char* name) {
  if (!value.IsString()) wrong_type(value.Env(), name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

std::span<float> floats(const Napi::Value& value, const char* name) {
  return elements<float>(value, napi_float32_array, name, "a Float32Array");
}

[[gnu::cold]] std::span<double> doubles(const Napi::Value& value, const char* name) {
  return elements<double>(value, napi_float64_array, name, "a Float64Array");
}

std::span<int32_t> int32s(const Napi::Value& value, const char* name) {
  return elements<int32_t>(value, napi_int32_array, name, "an Int32Array");
}

std::span<uint32_t> uint32s(const Napi::Value& value, const char* name) {
  return elements<uint32_t>(value, napi_uint32_array, name, "a Uint32Array");
}

ops::Codes codes(const Napi::Value& value, const char* name) {
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_int8_array) {
    const auto span = elements<int8_t>(value, napi_int8_array, name, "an Int8Array");
    return {reinterpret_cast<uint8_t*>(span.data()), span.size(), false};
  }
  const auto span = elements<uint8_t>(value, napi_uint8_array, name, "an Int8Array or Uint8Array");
  return {span.data(), span.size(), true};
}

Rows rows(const Napi::Value& value, const char* name) {
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array) {
    const auto span = floats(value, name);
    return {span.data(), span.size(), plan::Element::f32};
  }
  const ops::Codes c = codes(value, name);
  return {c.data, c.size, c.is_unsigned ? plan::Element::u8 : plan::Element::s8};
}

std::span<float> optional_floats(const Napi::Value& value, const char* name) {
  return value.IsUndefined() ? std::span<float>{} : floats(value, name);
}

std::span<int32_t> optional_int32s(const Napi::Value& value, const char* name) {
  return value.IsUndefined() ? std::span<int32_t>{} : int32s(value, name);
}

[[gnu::cold]] FloatGrid float_grid(const Napi::Object& o) {
  return {int32(o.Get("mantissa"), "mantissa"), int32(o.Get("minExponent"), "minExponent"),
          number(o.Get("limit"), "limit"), number(o.Get("numerator"), "numerator"), 1};
}

kernels::Rounding rounding(const Napi::Value& value) {
  const std::string name = string(value, "rounding");
  if (name == "half-up") return kernels::Rounding::half_up;
  if (name == "half-even") return kernels::Rounding::half_even;
  if (name == "gemmlowp") return kernels::Rounding::gemmlowp;
  if (name == "float32") return kernels::Rounding::float32;
  throw_status(value.Env(), {Code::argument,
                             "expected rounding 'half-up', 'half-even', 'gemmlowp' or 'float32' "
                             "but received '" +
                                 name + "'"});
}

parallel::Pool& process_pool(Napi::Env env) {
  check(env, parallel::pool_size().status);
  return parallel::process_pool();
}

const kernels::KernelSet& active_kernel(Napi::Env env) {
  check(env, parallel::pool_size().status);
  return *unwrap(env, dispatch::active_kernel())->set;
}

}  // namespace requant::addon
