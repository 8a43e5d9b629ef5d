// Training with integers: a network is a handle; steps and judgements run here and now.
#include <algorithm>

#include "addon/convert.h"
#include "addon/functions.h"
#include "addon/handle.h"
#include "training/integer_net.h"

namespace requant::addon {
namespace {

using training::IntegerNet;
using NetHandle = Handle<IntegerNet>;

/// Beyond it nothing or everything would change.
constexpr int32_t kMostRate = 64;

std::vector<training::IntegerLayerSpec> layer_specs(const Napi::Array& layers) {
  std::vector<training::IntegerLayerSpec> specs;
  for (uint32_t i = 0; i < layers.Length(); ++i) {
    const auto o = layers.Get(i).As<Napi::Object>();
    specs.push_back({index(o.Get("inFeatures"), "inFeatures"), index(o.Get("outFeatures"), "outFeatures"),
                     int32(o.Get("limit"), "limit"), int32(o.Get("codeShift"), "codeShift"),
                     int32(o.Get("exponent"), "exponent"), int32(o.Get("shift"), "shift")});
  }
  return specs;
}

std::span<const uint32_t> row_numbers(const Napi::Value& value) {
  const Napi::Env env = value.Env();
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array)
    throw_status(env, {Code::dtype, "expected rows to be a Uint32Array"});
  const auto array = value.As<Napi::Uint32Array>();
  return {array.Data(), array.ElementLength()};
}

/// (handle, inputs, targets, rows)
training::IntegerBatch batch_of(IntegerNet& net, const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ops::Codes inputs = codes(info[1], "inputs");
  const auto targets = int32s(info[2], "targets");
  const auto rows = row_numbers(info[3]);
  if (!inputs.is_unsigned || inputs.size != targets.size() * net.in_features())
    throw_status(env, {Code::shape, "expected inputs that fit the targets and the network"});
  if (rows.empty() || rows.size() > net.most_rows())
    throw_status(env, {Code::argument, "expected 1 to " + std::to_string(net.most_rows()) +
                                           " rows but received " + std::to_string(rows.size())});
  const auto fits = [&](uint32_t row) {
    return row < targets.size() && targets[row] >= 0 &&
           static_cast<size_t>(targets[row]) < net.out_features();
  };
  if (!std::all_of(rows.begin(), rows.end(), fits))
    throw_status(env, {Code::argument, "expected rows of the data and targets below outFeatures"});
  return {inputs.data, targets.data(), rows};
}

Napi::Value result_of(Napi::Env env, const training::LossResult& result) {
  auto object = Napi::Object::New(env);
  object.Set("loss", static_cast<double>(result.loss) * 0x1p-20);
  object.Set("correct", static_cast<double>(result.correct));
  return object;
}

training::IntegerLayer& layer_of(IntegerNet& net, const Napi::CallbackInfo& info) {
  const size_t number = index(info[1], "layer");
  if (number >= net.layers().size())
    throw_status(info.Env(), {Code::argument, "expected the number of a layer"});
  return net.layers()[number];
}

void check_layer_arrays(Napi::Env env, const training::IntegerLayerSpec& spec,
                        std::span<const int32_t> weights, std::span<const int32_t> bias) {
  if (weights.size() != spec.in * spec.out || bias.size() != spec.out)
    throw_status(env, {Code::shape, "expected weights [out, in] and bias [out] of the layer"});
}

}  // namespace

/// ({ recipe, layers, mostRows, inputExponent, raisedInputs, seed: [lower, upper word] })
Napi::Value create_integer_net(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto o = info[0].As<Napi::Object>();
  const auto layers = layer_specs(o.Get("layers").As<Napi::Array>());
  const auto seed = o.Get("seed").As<Napi::Array>();
  training::IntegerSpec spec;
  spec.recipe = string(o.Get("recipe"), "recipe") == "wage" ? training::IntegerRecipe::wage
                                                            : training::IntegerRecipe::block;
  spec.layers = layers;
  spec.most_rows = index(o.Get("mostRows"), "mostRows");
  spec.input_exponent = int32(o.Get("inputExponent"), "inputExponent");
  spec.raised_inputs = boolean(o.Get("raisedInputs"), "raisedInputs");
  for (uint32_t i = 0; i < 2; ++i) spec.key[i] = static_cast<uint32_t>(index(seed.Get(i), "seed"));
  auto net = unwrap(env, IntegerNet::make(active_kernel(env), &process_pool(env), spec));
  const size_t bytes = net->bytes();
  return NetHandle::wrap(env, std::move(net), bytes);
}

Napi::Value release_integer_net(const Napi::CallbackInfo& info) {
  NetHandle::of(info[0]).release(info.Env());
  return info.Env().Undefined();
}

/// (handle, inputs, targets, rows, exponent of the learning rate, number of the step)
Napi::Value integer_step(const Napi::CallbackInfo& info) {
  IntegerNet& net = *NetHandle::get(info[0]);
  const auto batch = batch_of(net, info);
  const int32_t rate = std::clamp(int32(info[4], "rate"), -kMostRate, kMostRate);
  return result_of(info.Env(), net.step(net.crew_for(batch.rows.size()), batch, rate,
                                        static_cast<uint32_t>(index(info[5], "step"))));
}

/// (handle, inputs, targets, rows)
Napi::Value integer_judge(const Napi::CallbackInfo& info) {
  IntegerNet& net = *NetHandle::get(info[0]);
  const auto batch = batch_of(net, info);
  return result_of(info.Env(), net.judge(net.crew_for(batch.rows.size()), batch));
}

/// (handle, layer, weights, bias): arrays that receive them
Napi::Value read_integer_layer(const Napi::CallbackInfo& info) {
  training::IntegerLayer& layer = layer_of(*NetHandle::get(info[0]), info);
  const auto weights = int32s(info[2], "weights");
  const auto bias = int32s(info[3], "bias");
  check_layer_arrays(info.Env(), layer.spec(), weights, bias);
  layer.read(weights.data(), bias.data());
  return info.Env().Undefined();
}

/// (handle, layer, weights, bias)
Napi::Value write_integer_layer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  training::IntegerLayer& layer = layer_of(*NetHandle::get(info[0]), info);
  const auto weights = int32s(info[2], "weights");
  const auto bias = int32s(info[3], "bias");
  check_layer_arrays(env, layer.spec(), weights, bias);
  if (!layer.takes(weights.data(), bias.data()))
    throw_status(env, {Code::argument, "expected weights and biases within the limits of the recipe"});
  layer.write(weights.data(), bias.data());
  return env.Undefined();
}

/// (handle) → Int32Array
Napi::Value read_integer_state(const Napi::CallbackInfo& info) {
  const auto& net = NetHandle::get(info[0]);
  auto state = Napi::Int32Array::New(info.Env(), net->state_size());
  net->read_state(state.Data());
  return state;
}

/// (handle, Int32Array)
Napi::Value write_integer_state(const Napi::CallbackInfo& info) {
  if (!NetHandle::get(info[0])->write_state(int32s(info[1], "state")))
    throw_status(info.Env(), {Code::argument, "expected the state of such a network"});
  return info.Env().Undefined();
}

}  // namespace requant::addon
