// What this binary holds and what this CPU is: must work even where REQUANT_KERNEL is wrong (doctor).
#include "addon/convert.h"
#include "addon/functions.h"
#include "dispatch/cpu_features.h"
#include "dispatch/registry.h"
#include "ops/instruction_peak.h"
#include "parallel/cpu_limits.h"
#include "parallel/pool_size.h"

namespace requant::addon {

/// { compiled, available, sparse, features: string[] }; sparse: those with sparse panels on this CPU
Napi::Value kernels_info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array compiled = Napi::Array::New(env);
  Napi::Array available = Napi::Array::New(env);
  Napi::Array sparse = Napi::Array::New(env);
  for (const dispatch::Kernel& kernel : dispatch::compiled_kernels()) {
    compiled.Set(compiled.Length(), kernel.name);
    if (!dispatch::runs_here(kernel)) continue;
    available.Set(available.Length(), kernel.name);
    if (dispatch::sparse_panel_of(*kernel.set->qgemm) != nullptr) sparse.Set(sparse.Length(), kernel.name);
  }
  Napi::Array features = Napi::Array::New(env);
  for (const auto& [bit, name] : dispatch::kFeatureNames) {
    if ((dispatch::cpu_features() & bit) != 0) features.Set(features.Length(), name);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("compiled", compiled);
  result.Set("available", available);
  result.Set("sparse", sparse);
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

/// { cpus, cgroup: 'v1' | 'v2' | null, quotaCpus: number | null }: how much CPU this process may use.
Napi::Value cpu_limits(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const parallel::CpuQuota quota = parallel::read_cpu_quota();
  const bool known = quota.cgroup != parallel::CgroupVersion::none;
  Napi::Object result = Napi::Object::New(env);
  result.Set("cpus", Napi::Number::New(env, parallel::schedulable_cpus()));
  result.Set("cgroup", known
                           ? Napi::String::New(env, quota.cgroup == parallel::CgroupVersion::v2 ? "v2" : "v1")
                           : env.Null());
  result.Set("quotaCpus", quota.cpus ? Napi::Number::New(env, *quota.cpus) : env.Null());
  return result;
}

/// { threads, source: 'affinity' | 'quota' | 'REQUANT_THREADS' }
Napi::Value pool_info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  check(env, parallel::pool_size().status);
  const parallel::PoolSize size = parallel::pool_size().value;
  Napi::Object result = Napi::Object::New(env);
  result.Set("threads", Napi::Number::New(env, size.threads));
  result.Set("source", size.source == parallel::SizeSource::variable ? "REQUANT_THREADS"
                       : size.source == parallel::SizeSource::quota  ? "quota"
                                                                     : "affinity");
  return result;
}

}  // namespace requant::addon
