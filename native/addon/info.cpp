// What this binary holds and what this CPU is: must work even where REQUANT_KERNEL is wrong (doctor).
#include "addon/convert.h"
#include "addon/functions.h"
#include "dispatch/cpu_features.h"
#include "dispatch/registry.h"
#include "ops/instruction_peak.h"

namespace requant::addon {

/// { compiled: string[], available: string[], features: string[] }
Napi::Value kernels_info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array compiled = Napi::Array::New(env);
  Napi::Array available = Napi::Array::New(env);
  for (const dispatch::Kernel& kernel : dispatch::compiled_kernels()) {
    compiled.Set(compiled.Length(), kernel.name);
    if (dispatch::runs_here(kernel)) available.Set(available.Length(), kernel.name);
  }
  Napi::Array features = Napi::Array::New(env);
  for (const auto& [bit, name] : dispatch::kFeatureNames) {
    if ((dispatch::cpu_features() & bit) != 0) features.Set(features.Length(), name);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("compiled", compiled);
  result.Set("available", available);
  result.Set("features", features);
  return result;
}

Napi::Value active_kernel_name(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), unwrap(info.Env(), dispatch::active_kernel())->name);
}

/// (milliseconds) → { macsPerSecond, fmasPerSecond }, or undefined where the kernel has no peak to measure.
Napi::Value instruction_peak(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const double milliseconds = number(info[0], "milliseconds");
  if (!(milliseconds > 0 && milliseconds <= 10'000))
    throw_status(env, {Code::argument, "expected milliseconds in (0, 10000]"});
  const kernels::PeakLoops* loops = active_kernel(env).peak;
  if (loops == nullptr) return env.Undefined();
  const ops::InstructionPeak peak = ops::instruction_peak(*loops, milliseconds);
  Napi::Object result = Napi::Object::New(env);
  result.Set("macsPerSecond", peak.int8);
  result.Set("fmasPerSecond", peak.float32);
  return result;
}

}  // namespace requant::addon
