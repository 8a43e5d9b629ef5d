// The table of contents: what JavaScript sees.
#include "addon/async_runs.h"
#include "addon/functions.h"
#include "addon/instance.h"

namespace requant::addon {

Instance::Instance(Napi::Env env, Napi::Object exports) : async_runs_(std::make_unique<AsyncRuns>(env)) {
  const auto define = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  define("kernelsInfo", kernels_info);
  define("activeKernel", active_kernel_name);
  define("instructionPeak", instruction_peak);
  define("cpuLimits", cpu_limits);
  define("poolInfo", pool_info);

  define("packWeights", pack_weights);
  define("releaseWeights", release_weights);
  define("qgemm", qgemm);
  define("requantize", requantize);
  define("quantizeLinear", quantize_linear);
  define("dequantizeLinear", dequantize_linear);
  define("dynamicQuantizeLinear", dynamic_quantize_linear);
  define("roundToGrid", round_to_grid);
  define("activationTable", activation_table);

  define("compilePlan", compile_plan);
  define("releasePlan", release_plan);
  define("bindPlan", bind_plan);
  define("detachBuffer", detach_buffer);
  define("unpackWeights", unpack_weights);
  define("observePlan", observe_plan);
  define("submitPlan", submit_plan);
  define("cancelRun", cancel_run);

  define("floatProduct", float_product);
  define("columnSums", column_sums);
  define("gatherRows", gather_rows);
  define("elementwise", elementwise);
  define("elementwiseGradient", elementwise_gradient);
  define("softmax", softmax);
  define("softmaxAndLog", softmax_and_log);
  define("layerNorm", layer_norm);
  define("layerNormGradient", layer_norm_gradient);
  define("adamStep", adam_step);
  define("sgdStep", sgd_step);

  define("createIntegerNet", create_integer_net);
  define("releaseIntegerNet", release_integer_net);
  define("integerStep", integer_step);
  define("integerJudge", integer_judge);
  define("readIntegerLayer", read_integer_layer);
  define("writeIntegerLayer", write_integer_layer);
  define("readIntegerState", read_integer_state);
  define("writeIntegerState", write_integer_state);
}

Instance::~Instance() = default;

}  // namespace requant::addon

using requant::addon::Instance;
NODE_API_ADDON(Instance)
