// The operators of requant/kernels: a request is refused, or gives the scalar kernel's bits on every kernel,
// within the memory it is given.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>

#include "bytes.h"
#include "guarded_buffer.h"
#include "kernels_here.h"
#include "ops/qgemm_op.h"
#include "ops/quantize_ops.h"
#include "size.h"

namespace {

using namespace requant;
using fuzz::Bytes;
using test::Flush;
using test::GuardedBuffer;

void require(bool ok, const char* what, const char* kernel) {
  if (ok) return;
  std::fprintf(stderr, "expected %s (%s)\n", what, kernel);
  std::abort();
}

/// Status and the bytes that were written.
struct Outcome {
  Status status;
  std::vector<std::byte> output;
};

/// Of the small target, which compares one kernel with the scalar one.
size_t chosen_kernel = 0;

/// A copy of an operator's input, where reading beyond it is noticed.
template <class T>
class Input {
 public:
  Input(const std::vector<T>& values, Flush flush) : values_(values) {
    if (fuzz::kSmall) return;
    guarded_.emplace(values.size());
    data_ = guarded_->copy(values.data(), values.size(), flush);
  }
  std::span<const T> span() const { return {fuzz::kSmall ? values_.data() : data_, values_.size()}; }

 private:
  const std::vector<T>& values_;
  std::optional<GuardedBuffer<T>> guarded_;
  const T* data_ = nullptr;
};

/// Calls operation(kernel, out) for every kernel, `bytes` of guarded memory at `out`, and compares.
template <class Operation>
void on_every_kernel(size_t bytes, bool floats, Flush flush, const Operation& operation) {
  const auto outcome = [&](const kernels::KernelSet& kernel, const char* name) {
    if (fuzz::kSmall) {
      Outcome result{{}, std::vector<std::byte>(bytes, std::byte{0xA5})};
      result.status = operation(kernel, result.output.data());
      return result;
    }
    GuardedBuffer<std::byte> memory(bytes);
    std::byte* const out = memory.place(bytes, flush);
    Outcome result{operation(kernel, out), {}};
    require(memory.untouched(), "nothing to be written beyond the output", name);
    result.output.assign(out, out + bytes);
    return result;
  };
  const Outcome expected = outcome(*dispatch::compiled_kernels().back().set, "scalar");
  if (!expected.status.ok())
    require(expected.status.message().starts_with("expected "), "a message", "scalar");
  const auto& kernels = test::kernels_here();
  const std::span here(kernels.data() + (fuzz::kSmall ? chosen_kernel % kernels.size() : 0),
                       fuzz::kSmall ? 1 : kernels.size());
  for (const dispatch::Kernel* kernel : here) {
    const Outcome actual = outcome(*kernel->set, kernel->name);
    require(actual.status.code() == expected.status.code(), "the same status", kernel->name);
    require(actual.status.message() == expected.status.message(), "the same message", kernel->name);
    if (!expected.status.ok()) continue;
    const bool same = floats
                          ? test::same_float(reinterpret_cast<const float*>(expected.output.data()),
                                             reinterpret_cast<const float*>(actual.output.data()), bytes / 4)
                          : actual.output == expected.output;
    require(same, "the same bits", kernel->name);
  }
}

/// Multipliers and bounds, mostly legal.
struct Requantize {
  std::vector<int32_t> multiplier, shift;
  std::vector<float> real;
  gemm::RequantizeSpec spec;

  Requantize(Bytes& bytes, bool is_unsigned, size_t length) {
    spec.rounding = static_cast<kernels::Rounding>(bytes.below(4));
    test::Random random(bytes.word());
    const int32_t mask = bytes.below(2) == 0 ? -1 : ~0x7F;
    const auto low = static_cast<int32_t>(25 + bytes.below(36));
    for (size_t i = 0; i < length; ++i) {
      multiplier.push_back(static_cast<int32_t>(random.between(1 << 30, INT32_MAX)) & mask);
      shift.push_back(low + static_cast<int32_t>(random.between(0, 3)));
    }
    if (spec.rounding == kernels::Rounding::float32 && bytes.below(2) == 0) real = bytes.scales(length);
    if (bytes.fault() && length != 0) multiplier[0] = bytes.integer();
    if (bytes.fault() && length != 0) shift.back() = bytes.integer();
    if (bytes.fault()) shift.resize(bytes.length(length));
    const int32_t offset = is_unsigned ? 0 : 128;
    spec.zero_point = bytes.fault() ? bytes.integer() : bytes.byte() - offset;
    spec.lo = bytes.fault() ? bytes.integer() : bytes.byte() % 128 - offset;
    spec.hi = bytes.fault() ? bytes.integer() : 128 + bytes.byte() % 128 - offset;
    spec.multiplier = multiplier;
    spec.shift = shift;
    spec.scale = real;
  }
};

Flush flush_of(Bytes& bytes) { return bytes.below(2) == 0 ? Flush::start : Flush::end; }

/// Some lengths around what a vector holds, some of several pieces.
size_t count_of(Bytes& bytes) {
  const uint8_t kind = bytes.byte();
  if (fuzz::kSmall) return kind % 40;
  return kind < 240 ? kind : 1000 + 1500 * (kind - 240U) + bytes.below(70);
}

int32_t zero_point_of(Bytes& bytes, bool is_unsigned) {
  return bytes.fault() ? bytes.integer() : bytes.byte() - (is_unsigned ? 0 : 128);
}

ops::Codes codes_at(std::byte* out, size_t size, bool is_unsigned) {
  return {reinterpret_cast<uint8_t*>(out), size, is_unsigned};
}

void quantize(Bytes& bytes) {
  const std::vector<float> values = bytes.numbers(count_of(bytes));
  const Input<float> input(values, flush_of(bytes));
  const std::span<const float> x = input.span();
  const float scale = bytes.scale();
  const bool is_unsigned = bytes.below(2) == 0;
  const int32_t zero_point = zero_point_of(bytes, is_unsigned);
  const bool dynamic = bytes.below(3) == 0;
  const size_t size = bytes.length(values.size());
  on_every_kernel(size, false, flush_of(bytes), [&](const kernels::KernelSet& kernel, std::byte* out) {
    arith::DynamicParams params;
    const ops::Codes codes = codes_at(out, size, dynamic || is_unsigned);
    return dynamic ? ops::dynamic_quantize_linear(kernel, x, params, codes)
                   : ops::quantize_linear(kernel, x, scale, zero_point, codes);
  });
}

void dequantize(Bytes& bytes) {
  const std::vector<uint8_t> values = bytes.codes(count_of(bytes));
  const Input<uint8_t> input(values, flush_of(bytes));
  const bool is_unsigned = bytes.below(2) == 0;
  const ops::ConstCodes q{input.span().data(), values.size(), is_unsigned};
  const float scale = bytes.scale();
  const int32_t zero_point = zero_point_of(bytes, is_unsigned);
  const size_t size = bytes.length(values.size());
  on_every_kernel(4 * size, true, Flush::end, [&](const kernels::KernelSet& kernel, std::byte* out) {
    return ops::dequantize_linear(kernel, q, scale, zero_point, {reinterpret_cast<float*>(out), size});
  });
}

void requantize(Bytes& bytes) {
  const size_t columns = 1 + bytes.below(fuzz::kSmall ? 20 : 80);
  const std::vector<int32_t> values =
      bytes.integers(bytes.length(bytes.below(3) == 0 ? count_of(bytes) : columns * bytes.below(9)));
  const Input<int32_t> input(values, flush_of(bytes));
  const std::span<const int32_t> acc = input.span();
  const bool is_unsigned = bytes.below(2) == 0;
  const Requantize by(bytes, is_unsigned, bytes.below(3) == 0 ? 1 : bytes.length(columns));
  const size_t size = bytes.length(acc.size());
  on_every_kernel(size, false, Flush::end, [&](const kernels::KernelSet& kernel, std::byte* out) {
    return ops::requantize(kernel, acc, by.spec, codes_at(out, size, is_unsigned));
  });
}

/// What qgemm needs but for weights packed for a kernel.
void qgemm(Bytes& bytes) {
  const size_t widest = fuzz::kSmall ? 20 : 140;
  const size_t rows = fuzz::kSmall           ? bytes.below(5)
                      : bytes.below(20) == 0 ? 97 + bytes.below(60)
                                             : bytes.below(20);
  const size_t in = 1 + bytes.below(widest);
  const size_t out = 1 + bytes.below(widest);
  const bool weights_unsigned = bytes.below(2) == 0;
  const std::vector<uint8_t> w = bytes.codes(bytes.length(out * in));
  std::vector<int32_t> zero_points(bytes.below(2) == 0 ? 0 : bytes.length(bytes.below(2) == 0 ? 1 : out));
  for (int32_t& z : zero_points) z = zero_point_of(bytes, weights_unsigned);
  const gemm::WeightSource source{w.data(), weights_unsigned, out, in, zero_points};
  if (!ops::check_weights(source, w.size()).ok()) return;

  const std::vector<uint8_t> values = bytes.codes(bytes.length(rows * in));
  const Input<uint8_t> input(values, flush_of(bytes));
  ops::QGemmRequest request;
  request.x = {input.span().data(), values.size(), bytes.below(2) == 0};
  request.x_zero_point = zero_point_of(bytes, request.x.is_unsigned);
  const std::vector<int32_t> bias = bytes.integers(bytes.below(3) == 0 ? 0 : bytes.length(out));
  request.bias = bias;
  request.out_is_unsigned = bytes.below(2) == 0;
  const size_t kind = bytes.below(3);
  const Requantize by(bytes, request.out_is_unsigned, bytes.length(bytes.below(3) == 0 ? 1 : out));
  if (kind == 0) request.requantize = by.spec;
  const std::vector<float> scale = bytes.scales(bytes.length(bytes.below(2) == 0 ? 1 : out));
  if (kind == 1) request.dequantize_scale = scale;
  request.out_size = bytes.length(rows * out);
  const bool floats = kind == 1 && !scale.empty();
  const size_t out_bytes = request.out_size * (kind == 0 ? 1 : 4);
  on_every_kernel(out_bytes, floats, flush_of(bytes), [&](const kernels::KernelSet& kernel, std::byte* to) {
    const auto weights = gemm::PackedWeights::make(kernel.qgemm->layout, source);
    if (!weights.ok()) return weights.status;
    ops::QGemmRequest q = request;
    q.weights = weights.value.get();
    q.out = to;
    return ops::qgemm(kernel, q);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  const uint8_t head = bytes.byte();
  chosen_kernel = head / 4;
  switch (head % 4) {
    case 0:
      quantize(bytes);
      break;
    case 1:
      dequantize(bytes);
      break;
    case 2:
      requantize(bytes);
      break;
    default:
      qgemm(bytes);
  }
  return 0;
}
