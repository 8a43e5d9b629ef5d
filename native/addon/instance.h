// What one JavaScript environment (main thread or worker thread) owns of the addon.
#pragma once

#include <napi.h>

#include <memory>

namespace requant::addon {

class AsyncRuns;

class Instance : public Napi::Addon<Instance> {
 public:
  Instance(Napi::Env env, Napi::Object exports);
  ~Instance();

  AsyncRuns& async_runs() { return *async_runs_; }
  static Instance& of(Napi::Env env) { return *env.GetInstanceData<Instance>(); }

 private:
  std::unique_ptr<AsyncRuns> async_runs_;
};

}  // namespace requant::addon
