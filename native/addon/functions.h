// Every function the addon exports, by file.
#pragma once

#include <napi.h>

namespace requant::addon {

// info.cpp
Napi::Value kernels_info(const Napi::CallbackInfo& info);
Napi::Value active_kernel_name(const Napi::CallbackInfo& info);
Napi::Value instruction_peak(const Napi::CallbackInfo& info);
Napi::Value cpu_limits(const Napi::CallbackInfo& info);
Napi::Value pool_info(const Napi::CallbackInfo& info);

// operators.cpp
Napi::Value pack_weights(const Napi::CallbackInfo& info);
Napi::Value release_weights(const Napi::CallbackInfo& info);
Napi::Value qgemm(const Napi::CallbackInfo& info);
Napi::Value requantize(const Napi::CallbackInfo& info);
Napi::Value quantize_linear(const Napi::CallbackInfo& info);
Napi::Value dequantize_linear(const Napi::CallbackInfo& info);
Napi::Value dynamic_quantize_linear(const Napi::CallbackInfo& info);
Napi::Value round_to_grid(const Napi::CallbackInfo& info);
Napi::Value activation_table(const Napi::CallbackInfo& info);

// plans.cpp
Napi::Value compile_plan(const Napi::CallbackInfo& info);
Napi::Value release_plan(const Napi::CallbackInfo& info);
Napi::Value detach_buffer(const Napi::CallbackInfo& info);
Napi::Value unpack_weights(const Napi::CallbackInfo& info);
Napi::Value observe_plan(const Napi::CallbackInfo& info);
Napi::Value submit_plan(const Napi::CallbackInfo& info);
Napi::Value cancel_run(const Napi::CallbackInfo& info);

// bound_plan.cpp
Napi::Value bind_plan(const Napi::CallbackInfo& info);

// training.cpp
Napi::Value float_product(const Napi::CallbackInfo& info);
Napi::Value column_sums(const Napi::CallbackInfo& info);
Napi::Value gather_rows(const Napi::CallbackInfo& info);
Napi::Value elementwise(const Napi::CallbackInfo& info);
Napi::Value elementwise_gradient(const Napi::CallbackInfo& info);
Napi::Value softmax(const Napi::CallbackInfo& info);
Napi::Value softmax_and_log(const Napi::CallbackInfo& info);
Napi::Value layer_norm(const Napi::CallbackInfo& info);
Napi::Value layer_norm_gradient(const Napi::CallbackInfo& info);
Napi::Value adam_step(const Napi::CallbackInfo& info);
Napi::Value sgd_step(const Napi::CallbackInfo& info);

// integer_training.cpp
Napi::Value create_integer_net(const Napi::CallbackInfo& info);
Napi::Value release_integer_net(const Napi::CallbackInfo& info);
Napi::Value integer_step(const Napi::CallbackInfo& info);
Napi::Value integer_judge(const Napi::CallbackInfo& info);
Napi::Value read_integer_layer(const Napi::CallbackInfo& info);
Napi::Value write_integer_layer(const Napi::CallbackInfo& info);
Napi::Value read_integer_state(const Napi::CallbackInfo& info);
Napi::Value write_integer_state(const Napi::CallbackInfo& info);

}  // namespace requant::addon
