// The hot path of runSync: a function of its own for every plan, in plain Node-API. Two arrays are read, the
// plan runs, nothing is allocated.
#include "addon/convert.h"
#include "addon/functions.h"
#include "addon/handle.h"
#include "addon/rows.h"

namespace requant::addon {
namespace {

using PlanHandle = Handle<const plan::Plan>;

bool read_rows(napi_env env, napi_value value, Rows& rows) noexcept {
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, value, &type, &rows.size, &rows.data, nullptr, nullptr) != napi_ok)
    return false;
  if (type == napi_float32_array) {
    rows.element = plan::Element::f32;
  } else if (type == napi_uint8_array) {
    rows.element = plan::Element::u8;
  } else if (type == napi_int8_array) {
    rows.element = plan::Element::s8;
  } else {
    return false;
  }
  return true;
}

napi_value throw_coded(napi_env env, Code code, const char* message) noexcept {
  napi_throw_error(env, code_name(code), message);
  return nullptr;
}

Status run(napi_env env, const napi_value (&args)[2], const PlanHandle& handle, bool nan_is_zero) {
  Rows input, output;
  if (!read_rows(env, args[0], input) || !read_rows(env, args[1], output))
    return {Code::dtype, "expected a Float32Array, Int8Array or Uint8Array as input and as output"};
  if (!handle.object) return {Code::argument, "expected a native handle that is not released"};
  return handle.object->run(request_of(input, output, nan_is_zero));
}

/// (input, output)
template <bool NanIsZero>
napi_value run_bound(napi_env env, napi_callback_info info) noexcept {
  napi_value args[2];
  size_t count = 2;
  void* handle;
  napi_get_cb_info(env, info, &count, args, nullptr, &handle);
  try {
    const Status status = run(env, args, *static_cast<const PlanHandle*>(handle), NanIsZero);
    return status.ok() ? nullptr : throw_coded(env, status.code(), status.message().c_str());
  } catch (const std::exception&) {
    return throw_coded(env, Code::memory, "expected memory for a message but the system refused");
  }
}

}  // namespace

/// (handle, nanIsZero) → (input, output) => undefined
Napi::Value bind_plan(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  PlanHandle& handle = PlanHandle::of(info[0]);
  const bool nan_is_zero = boolean(info[1], "nanIsZero");
  napi_value function = nullptr;
  if (napi_create_function(env, "run", NAPI_AUTO_LENGTH, nan_is_zero ? run_bound<true> : run_bound<false>,
                           &handle, &function) != napi_ok) {
    throw Napi::Error::New(env);
  }
  // The function keeps the handle, which its data points to, from being collected.
  Napi::Object object(env, function);
  object.DefineProperty(Napi::PropertyDescriptor::Value("handle", info[0], napi_default));
  return object;
}

}  // namespace requant::addon
