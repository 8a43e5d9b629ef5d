// Plans: compile, observe, submit. Running one here and now is in bound_plan.cpp.
#include <cstring>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "addon/async_runs.h"
#include "addon/convert.h"
#include "addon/functions.h"
#include "addon/handle.h"
#include "addon/instance.h"
#include "addon/plan_spec.h"
#include "addon/rows.h"

namespace requant::addon {
namespace {

using PlanHandle = Handle<const plan::Plan>;

/// malloc keeps large blocks that are freed, in each thread that had one: the size of a model file for every
/// worker.
void give_back_freed([[maybe_unused]] size_t bytes) noexcept {
#if defined(__GLIBC__)
  if (bytes >= Pages::kWorthwhile) malloc_trim(0);
#endif
}

}  // namespace

/// (program, threads; 0: all of the pool)
Napi::Value compile_plan(const Napi::CallbackInfo& info) {
  auto plan = build_plan(info[0].As<Napi::Object>(), index(info[1], "threads"));
  const size_t bytes = plan->bytes();
  return PlanHandle::wrap(info.Env(), std::move(plan), bytes);
}

Napi::Value release_plan(const Napi::CallbackInfo& info) {
  PlanHandle::of(info[0]).release(info.Env());
  return info.Env().Undefined();
}

/// (ArrayBuffer): its memory is free at once, not when it is collected.
Napi::Value detach_buffer(const Napi::CallbackInfo& info) {
  if (!info[0].IsArrayBuffer()) throw_status(info.Env(), {Code::dtype, "expected an ArrayBuffer"});
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  const size_t bytes = buffer.ByteLength();
  buffer.Detach();
  give_back_freed(bytes);
  return info.Env().Undefined();
}

/// (handle, value, Int8Array or Uint8Array that receives the weights of the layer that writes the value)
Napi::Value unpack_weights(const Napi::CallbackInfo& info) {
  const auto plan = PlanHandle::get(info[0]);
  const gemm::PackedWeights* weights = plan->weights_of(index(info[1], "value"));
  const ops::Codes out = codes(info[2], "weights");
  if (weights == nullptr || out.size != weights->out_features() * weights->in_features()) {
    throw_status(info.Env(), {Code::shape, "expected an array that fits the int8 weights of a layer"});
  }
  weights->unpack(out.is_unsigned, reinterpret_cast<int8_t*>(out.data));
  return info[2];
}

/// (handle, input, output, nanIsZero, arrays by value; undefined where not wanted)
Napi::Value observe_plan(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto plan = PlanHandle::get(info[0]);
  auto request = request_of(rows(info[1], "input"), rows(info[2], "output"), boolean(info[3], "nanIsZero"));
  const size_t count = request.input_size / plan->values()[plan->input().value].features;
  const auto arrays = info[4].As<Napi::Array>();
  std::vector<plan::Tap> taps;
  for (uint32_t id = 0; id < arrays.Length() && id < plan->values().size(); ++id) {
    const Napi::Value array = arrays.Get(id);
    if (array.IsUndefined()) continue;
    const plan::Value& value = plan->values()[id];
    const Rows out = rows(array, "an observed value");
    const auto type = out.element == plan::Element::f32 ? plan::ValueType::f32 : plan::ValueType::u8;
    if (type != value.type || out.size != count * value.features) {
      throw_status(env, {Code::shape, "expected an array that fits value '" + value.name + "'"});
    }
    taps.push_back({id, static_cast<std::byte*>(out.data)});
  }
  request.taps = taps;
  check(env, plan->run(request));
  return info[2];
}

/// (handle, input, output, whether no one else has the output, and the input, nanIsZero, callback) → id
Napi::Value submit_plan(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  AsyncRuns& runs = Instance::of(env).async_runs();
  auto run = std::make_shared<AsyncRun>();
  run->plan = PlanHandle::get(info[0]);
  Rows input = rows(info[1], "input");
  Rows output = rows(info[2], "output");
  const size_t input_bytes = input.size * plan::element_bytes(input.element);
  const size_t output_bytes = output.size * plan::element_bytes(output.element);
  const bool is_own_input = boolean(info[4], "whether the input is the run's own");
  if (!is_own_input) {
    run->input = runs.spare().take(input_bytes);
    if (!run->input.data) throw_status(env, out_of_memory(input_bytes));
    if (input_bytes != 0) std::memcpy(run->input.data.get(), input.data, input_bytes);
    input.data = run->input.data.get();
  }
  if (!boolean(info[3], "whether the output is the run's own")) {
    run->output = runs.spare().take(output_bytes);
    if (!run->output.data) throw_status(env, out_of_memory(output_bytes));
    output.data = run->output.data.get();
  }
  run->request = request_of(input, output, boolean(info[5], "nanIsZero"));
  run->request.cancel = &run->cancel;
  const uint32_t id = runs.submit(env, run, is_own_input ? info[1] : env.Undefined(), info[2], info[6]);
  return Napi::Number::New(env, id);
}

Napi::Value cancel_run(const Napi::CallbackInfo& info) {
  Instance::of(info.Env()).async_runs().cancel(static_cast<uint32_t>(index(info[0], "id")));
  return info.Env().Undefined();
}

}  // namespace requant::addon
