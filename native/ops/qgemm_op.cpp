#include "ops/qgemm_op.h"

#include <algorithm>

#include "base/overlap.h"
#include "gemm/qgemm.h"

namespace requant::ops {
namespace {

/// Rows converted and multiplied at a time: enough to amortize a pass over the weights.
constexpr size_t kBlockRows = 96;

Status check(const QGemmRequest& q, size_t rows) {
  const size_t in = q.weights->in_features();
  const size_t out = q.weights->out_features();
  if (rows * in != q.x.size) {
    return {Code::shape, "expected x to hold whole rows of " + std::to_string(in) + " values but received " +
                             std::to_string(q.x.size)};
  }
  if (Status s = check_length("out", q.out_size, rows * out); !s.ok()) return s;
  if (Status s = check_zero_point("xZeroPoint", q.x_zero_point, q.x.is_unsigned); !s.ok()) return s;
  if (!q.bias.empty()) {
    if (Status s = check_length("bias", q.bias.size(), out); !s.ok()) return s;
  }
  if (q.requantize) {
    if (Status s = check_requantize(*q.requantize, q.out_is_unsigned, out); !s.ok()) return s;
  }
  const size_t out_bytes = q.out_size * (q.requantize ? 1 : 4);
  if (overlap(q.x.data, q.x.size, q.out, out_bytes)) {
    return {Code::argument, "expected an out that does not overlap x but received overlapping memory"};
  }
  const size_t scales = q.dequantize_scale.size();
  if (scales > 1 && scales != out) {
    return {Code::shape, "expected dequantize.scale of length 1 or " + std::to_string(out) +
                             " but received " + std::to_string(scales)};
  }
  const CodeRangeOf range = range_of(q.x.is_unsigned);
  return q.weights->check_bound(q.bias, range.lo - q.x_zero_point, range.hi - q.x_zero_point);
}

Status prepare(const QGemmRequest& q, int32_t x_zero_point, gemm::ColumnParams& params) {
  const size_t out = q.weights->out_features();
  if (Status s = params.fold_bias(*q.weights, q.bias, x_zero_point); !s.ok()) return s;
  if (q.requantize) {
    if (Status s = params.set_requantize(*q.requantize, out); !s.ok()) return s;
    const CodeRangeOf range = range_of(q.x.is_unsigned);
    return params.find_columns_by_magic(*q.weights, q.bias, range.lo - q.x_zero_point,
                                        range.hi - q.x_zero_point);
  }
  if (!q.dequantize_scale.empty()) {
    params.epilogue().output = kernels::Output::dequantize;
    return params.set_scale(q.dequantize_scale, out);
  }
  return {};
}

}  // namespace

Status qgemm(const kernels::KernelSet& kernel, const QGemmRequest& q) {
  const size_t in = q.weights->in_features();
  const size_t rows = q.x.size / in;
  if (Status s = check(q, rows); !s.ok()) return s;

  // Inside, activations are u8: int8 codes and their zero point are raised by 128.
  gemm::ColumnParams params;
  if (Status s = prepare(q, q.x.is_unsigned ? q.x_zero_point : q.x_zero_point + 128, params); !s.ok())
    return s;
  AlignedBuffer<uint8_t> raised;
  AlignedBuffer<int32_t> sums;
  const size_t block = std::min(rows, kBlockRows);
  if (!q.x.is_unsigned && !raised.allocate(block * in)) return out_of_memory(block * in);
  if (q.weights->minus_zero_point() != nullptr && !sums.allocate(block)) return out_of_memory(block * 4);

  kernels::Epilogue epilogue = params.epilogue();
  const size_t out = q.weights->out_features();
  const size_t element = kernels::output_bytes(epilogue.output);
  for (size_t row = 0; row < rows; row += kBlockRows) {
    const size_t count = std::min(kBlockRows, rows - row);
    MatrixView<const uint8_t> a{q.x.data + row * in, count, in, in};
    if (!q.x.is_unsigned) {
      std::transform(a.data, a.data + count * in, raised.data(), [](uint8_t v) { return v ^ 0x80; });
      a.data = raised.data();
    }
    if (q.weights->minus_zero_point() != nullptr) {
      gemm::row_sums(a, sums.data());
      epilogue.corrections[0] = {sums.data(), q.weights->minus_zero_point()};
    }
    gemm::qgemm(*kernel.qgemm, a, *q.weights, epilogue, static_cast<uint8_t*>(q.out) + row * out * element,
                out);
  }
  return {};
}

}  // namespace requant::ops
