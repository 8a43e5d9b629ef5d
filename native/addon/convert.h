// JavaScript values ↔ plain structs. Anything of the wrong type throws ERR_ARGUMENT; nothing is computed
// here.
#pragma once

#include <napi.h>

#include <span>
#include <string>

#include "base/float_grid.h"
#include "base/status.h"
#include "kernels/kernel.h"
#include "ops/codes.h"
#include "parallel/pool.h"

namespace requant::addon {

/// Throws an Error with `code`; lib/runtime turns it into a RequantError.
[[noreturn]] void throw_status(Napi::Env env, const Status& status);
void check(Napi::Env env, const Status& status);

template <class T>
T unwrap(Napi::Env env, Result<T>&& result) {
  check(env, result.status);
  return std::move(result.value);
}

double number(const Napi::Value& value, const char* name);
/// A number that is an int32.
int32_t int32(const Napi::Value& value, const char* name);
size_t index(const Napi::Value& value, const char* name);
bool boolean(const Napi::Value& value, const char* name);
std::string string(const Napi::Value& value, const char* name);

std::span<float> floats(const Napi::Value& value, const char* name);
std::span<double> doubles(const Napi::Value& value, const char* name);
std::span<int32_t> int32s(const Napi::Value& value, const char* name);
std::span<uint32_t> uint32s(const Napi::Value& value, const char* name);
/// Int8Array or Uint8Array.
ops::Codes codes(const Napi::Value& value, const char* name);
/// undefined → empty.
std::span<float> optional_floats(const Napi::Value& value, const char* name);
std::span<int32_t> optional_int32s(const Napi::Value& value, const char* name);

/// { mantissa, minExponent, limit, numerator }; the denominator is 1.
FloatGrid float_grid(const Napi::Object& o);

kernels::Rounding rounding(const Napi::Value& value);

/// The kernel in use; throws ERR_KERNEL, and ERR_ARGUMENT where REQUANT_THREADS is no number of threads.
const kernels::KernelSet& active_kernel(Napi::Env env);
/// The pool of the process; throws ERR_ARGUMENT where REQUANT_THREADS is no number of threads.
parallel::Pool& process_pool(Napi::Env env);

}  // namespace requant::addon
