// A shared native object behind an opaque JavaScript value.
#pragma once

#include <napi.h>

#include <memory>

#include "addon/convert.h"

namespace requant::addon {

/// Frees the object when released or collected; tells the garbage collector how much memory hangs on it.
template <class T>
struct Handle {
  std::shared_ptr<T> object;
  int64_t bytes = 0;

  static Napi::Value wrap(Napi::Env env, std::shared_ptr<T> object, size_t bytes) {
    auto handle = std::make_unique<Handle>(Handle{std::move(object), static_cast<int64_t>(bytes)});
    auto external = Napi::External<Handle>::New(env, handle.get(), [](Napi::Env env, Handle* h) {
      h->release(env);
      delete h;
    });
    Napi::MemoryManagement::AdjustExternalMemory(env, handle->bytes);
    handle.release();
    return external;
  }

  static Handle& of(const Napi::Value& value) {
    if (!value.IsExternal()) throw_status(value.Env(), {Code::argument, "expected a native handle"});
    return *value.As<Napi::External<Handle>>().Data();
  }

  /// The object; throws after release.
  static const std::shared_ptr<T>& get(const Napi::Value& value) {
    Handle& handle = of(value);
    if (!handle.object)
      throw_status(value.Env(), {Code::argument, "expected a native handle that is not released"});
    return handle.object;
  }

  void release(Napi::Env env) noexcept {
    if (!object) return;
    object.reset();
    // Also called by a finalizer, out of which nothing may be thrown: a hint that fails is no loss.
    int64_t total = 0;
    napi_adjust_external_memory(env, -bytes, &total);
  }
};

}  // namespace requant::addon
