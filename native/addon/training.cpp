// What lib/training drives: float32 products, elementwise functions and their derivatives, optimizer steps.
#include <algorithm>

#include "addon/convert.h"
#include "addon/elementwise_names.h"
#include "addon/functions.h"
#include "addon/rows.h"
#include "dispatch/registry.h"
#include "gemm/float_product.h"
#include "ops/elementwise.h"
#include "ops/layer_norm.h"
#include "ops/softmax.h"
#include "training/layer_norm.h"
#include "training/rows.h"
#include "training/share.h"

namespace requant::addon {
namespace {

Status check_same_size(size_t a, size_t b) {
  return a == b ? Status{} : Status{Code::shape, "expected arrays of one length"};
}

Status check_whole_rows(size_t size, size_t features) {
  return features != 0 && size % features == 0 ? Status{} : Status{Code::shape, "expected whole rows"};
}

}  // namespace

/// (a, b, m, n, k, aTransposed, bTransposed, out, bias or undefined): out[m, n] = Σk A[m, k]·B[n, k] +
/// bias[n], one chain over k ascending. a is [m, k], or [k, m] if transposed; b is [n, k], or [k, n] if
/// transposed.
Napi::Value float_product(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto a = floats(info[0], "a");
  const auto b = floats(info[1], "b");
  const size_t m = index(info[2], "m");
  const size_t n = index(info[3], "n");
  const size_t k = index(info[4], "k");
  const bool a_transposed = boolean(info[5], "aTransposed");
  const bool b_transposed = boolean(info[6], "bTransposed");
  const auto out = floats(info[7], "out");
  check(env, ops::check_length("a", a.size(), m * k));
  check(env, ops::check_length("b", b.size(), n * k));
  check(env, ops::check_length("out", out.size(), m * n));
  const auto bias = optional_floats(info[8], "bias");
  if (!bias.empty()) check(env, ops::check_length("bias", bias.size(), n));
  const gemm::FloatOperand operand{a.data(), m, a_transposed ? size_t{1} : k, a_transposed ? m : size_t{1}};
  const gemm::FloatColumns columns{b.data(), n, k, b_transposed ? size_t{1} : k,
                                   b_transposed ? n : size_t{1}};
  check(env, gemm::float_product(process_pool(env), *active_kernel(env).sgemm, operand, columns,
                                 bias.empty() ? nullptr : bias.data(), out.data()));
  return info[7];
}

/// (matrix, columns, out): out[c] = Σ matrix[r, c], rows ascending from 0
Napi::Value column_sums(const Napi::CallbackInfo& info) {
  const auto matrix = floats(info[0], "matrix");
  const size_t columns = index(info[1], "columns");
  const auto out = floats(info[2], "out");
  check(info.Env(), check_whole_rows(matrix.size(), columns));
  check(info.Env(), ops::check_length("out", out.size(), columns));
  training::column_sums(matrix, out);
  return info[2];
}

/// (source: Float32Array or Uint8Array, features, rows: Uint32Array, out): out[i] = source[rows[i]]
Napi::Value gather_rows(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Rows source = rows(info[0], "source");
  const size_t features = index(info[1], "features");
  const auto chosen = uint32s(info[2], "rows");
  const auto out = floats(info[3], "out");
  check(env, check_whole_rows(source.size, features));
  check(env, ops::check_length("out", out.size(), chosen.size() * features));
  const size_t count = source.size / features;
  if (!std::all_of(chosen.begin(), chosen.end(), [=](uint32_t row) { return row < count; }))
    throw_status(env, {Code::argument, "expected rows of the source"});
  if (source.element == plan::Element::f32) {
    training::gather_rows(static_cast<const float*>(source.data), features, chosen, out.data());
  } else if (source.element == plan::Element::u8) {
    training::gather_rows(static_cast<const uint8_t*>(source.data), features, chosen, out.data());
  } else {
    throw_status(env, {Code::dtype, "expected source to be a Float32Array or Uint8Array"});
  }
  return info[3];
}

/// (function, a, b, x, y)
Napi::Value elementwise(const Napi::CallbackInfo& info) {
  const auto x = floats(info[3], "x");
  const auto y = floats(info[4], "y");
  check(info.Env(), check_same_size(x.size(), y.size()));
  ops::elementwise(elementwise_function(info[0]), {number(info[1], "a"), number(info[2], "b")}, x.data(),
                   y.data(), x.size());
  return info[4];
}

/// (function, a, b, x, dy, dx)
Napi::Value elementwise_gradient(const Napi::CallbackInfo& info) {
  const auto x = floats(info[3], "x");
  const auto dy = floats(info[4], "dy");
  const auto dx = floats(info[5], "dx");
  check(info.Env(), check_same_size(x.size(), dy.size()));
  check(info.Env(), check_same_size(x.size(), dx.size()));
  ops::elementwise_gradient(elementwise_function(info[0]), {number(info[1], "a"), number(info[2], "b")},
                            x.data(), dy.data(), dx.data(), x.size());
  return info[5];
}

/// (x, features, logarithm, y): row by row
Napi::Value softmax(const Napi::CallbackInfo& info) {
  const auto x = floats(info[0], "x");
  const size_t features = index(info[1], "features");
  const auto y = floats(info[3], "y");
  check(info.Env(), check_same_size(x.size(), y.size()));
  check(info.Env(), check_whole_rows(x.size(), features));
  const auto function = boolean(info[2], "logarithm") ? ops::log_softmax : ops::softmax;
  for (size_t i = 0; i < x.size(); i += features) function(x.data() + i, features, y.data() + i);
  return info[3];
}

/// (x, features, y, logs): softmax and its logarithm, row by row
Napi::Value softmax_and_log(const Napi::CallbackInfo& info) {
  const auto x = floats(info[0], "x");
  const size_t features = index(info[1], "features");
  const auto y = floats(info[2], "y");
  const auto logs = floats(info[3], "logs");
  check(info.Env(), check_same_size(x.size(), y.size()));
  check(info.Env(), check_same_size(x.size(), logs.size()));
  check(info.Env(), check_whole_rows(x.size(), features));
  for (size_t i = 0; i < x.size(); i += features)
    ops::softmax_and_log(x.data() + i, features, y.data() + i, logs.data() + i);
  return info.Env().Undefined();
}

/// (x, features, epsilon, weight or undefined, bias or undefined, y): row by row
Napi::Value layer_norm(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto x = floats(info[0], "x");
  const size_t features = index(info[1], "features");
  const auto y = floats(info[5], "y");
  check(env, check_same_size(x.size(), y.size()));
  check(env, check_whole_rows(x.size(), features));
  const auto norm =
      unwrap(env, ops::LayerNorm::make(features, number(info[2], "epsilon"),
                                       optional_floats(info[3], "weight"), optional_floats(info[4], "bias")));
  const kernels::NormKernel& kernel = active_kernel(env).vector->norm;
  for (size_t i = 0; i < x.size(); i += features) norm.row(kernel, x.data() + i, y.data() + i);
  return info[5];
}

/// (x, features, epsilon, weight or undefined, dy, dx): row by row
Napi::Value layer_norm_gradient(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto x = floats(info[0], "x");
  const size_t features = index(info[1], "features");
  const auto epsilon = static_cast<float>(number(info[2], "epsilon"));
  const auto weight = optional_floats(info[3], "weight");
  const auto dy = floats(info[4], "dy");
  const auto dx = floats(info[5], "dx");
  check(env, check_same_size(x.size(), dy.size()));
  check(env, check_same_size(x.size(), dx.size()));
  check(env, check_whole_rows(x.size(), features));
  if (!weight.empty()) check(env, ops::check_length("weight", weight.size(), features));
  const float* scale = weight.empty() ? nullptr : weight.data();
  for (size_t i = 0; i < x.size(); i += features)
    training::layer_norm_gradient(x.data() + i, features, epsilon, scale, dy.data() + i, dx.data() + i);
  return info[5];
}

/// (learningRate, beta1, beta2, epsilon, correction1, correction2, gradient, weight, m, v)
Napi::Value adam_step(const Napi::CallbackInfo& info) {
  const auto setting = [&](size_t i) { return static_cast<float>(number(info[i], "setting")); };
  const auto gradient = floats(info[6], "gradient");
  const auto weight = floats(info[7], "weight");
  const auto m = floats(info[8], "m");
  const auto v = floats(info[9], "v");
  check(info.Env(), check_same_size(gradient.size(), weight.size()));
  check(info.Env(), check_same_size(gradient.size(), m.size()));
  check(info.Env(), check_same_size(gradient.size(), v.size()));
  const AdamSettings settings{setting(0), setting(1), setting(2), setting(3), setting(4), setting(5)};
  const kernels::OptimizerKernel& kernel = active_kernel(info.Env()).vector->optimizers;
  training::share_elements(process_pool(info.Env()), gradient.size(), [&](size_t i, size_t count) {
    kernel.adam({settings, count, gradient.data() + i, weight.data() + i, m.data() + i, v.data() + i});
  });
  return info.Env().Undefined();
}

/// (learningRate, momentum, gradient, weight, velocity)
Napi::Value sgd_step(const Napi::CallbackInfo& info) {
  const auto gradient = floats(info[2], "gradient");
  const auto weight = floats(info[3], "weight");
  const auto velocity = floats(info[4], "velocity");
  check(info.Env(), check_same_size(gradient.size(), weight.size()));
  check(info.Env(), check_same_size(gradient.size(), velocity.size()));
  const SgdSettings settings{static_cast<float>(number(info[0], "learningRate")),
                             static_cast<float>(number(info[1], "momentum"))};
  const kernels::OptimizerKernel& kernel = active_kernel(info.Env()).vector->optimizers;
  training::share_elements(process_pool(info.Env()), gradient.size(), [&](size_t i, size_t count) {
    kernel.sgd({settings, count, gradient.data() + i, weight.data() + i, velocity.data() + i});
  });
  return info.Env().Undefined();
}

}  // namespace requant::addon
