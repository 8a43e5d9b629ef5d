// Names of the elementwise functions, as nodes of a model file spell them.
#pragma once

#include "addon/convert.h"
#include "arith/elementwise.h"

namespace requant::addon {

inline arith::Elementwise elementwise_function(const Napi::Value& value) {
  using enum arith::Elementwise;
  static constexpr std::pair<const char*, arith::Elementwise> kNames[] = {{"relu", relu},
                                                                          {"relu6", relu6},
                                                                          {"clip", clip},
                                                                          {"leakyRelu", leaky_relu},
                                                                          {"elu", elu},
                                                                          {"hardSigmoid", hard_sigmoid},
                                                                          {"hardSwish", hard_swish},
                                                                          {"sigmoid", sigmoid},
                                                                          {"tanh", tanh},
                                                                          {"gelu", gelu},
                                                                          {"geluTanh", gelu_tanh},
                                                                          {"silu", silu}};
  const std::string name = string(value, "function");
  for (const auto& [known, function] : kNames) {
    if (name == known) return function;
  }
  throw_status(value.Env(), {Code::argument, "expected an elementwise function but received '" + name + "'"});
}

}  // namespace requant::addon
