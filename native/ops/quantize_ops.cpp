#include "ops/quantize_ops.h"

#include <algorithm>

#include "gemm/column_params.h"

namespace requant::ops {

Status requantize(const kernels::KernelSet& kernel, std::span<const int32_t> acc,
                  const gemm::RequantizeSpec& spec, Codes out) {
  if (Status s = check_requantize(spec, out.is_unsigned, 0); !s.ok()) return s;
  const size_t columns = spec.length();
  if (acc.size() % columns != 0) {
    return {Code::shape, "expected acc to hold whole rows of " + std::to_string(columns) +
                             " values (the multipliers' length) but received " + std::to_string(acc.size())};
  }
  if (Status s = check_length("out", out.size, acc.size()); !s.ok()) return s;
  if (acc.empty()) return {};
  gemm::ColumnParams params;
  // One multiplier for all: the array is one long row of a few columns, walked in pieces.
  constexpr size_t kPiece = 4096;
  const size_t width = columns == 1 ? std::min(kPiece, acc.size()) : columns;
  if (Status s = params.set_requantize(spec, width); !s.ok()) return s;
  for (size_t i = 0; i < acc.size(); i += width) {
    const size_t count = std::min(width, acc.size() - i);
    kernel.qgemm->epilogue(params.epilogue(), {acc.data() + i, count, 0, 1, 0, count, out.data + i, count});
  }
  return {};
}

Status quantize_linear(const kernels::KernelSet& kernel, std::span<const float> x, float scale,
                       int32_t zero_point, Codes out) {
  if (Status s = check_scale("scale", scale); !s.ok()) return s;
  if (Status s = check_zero_point("zeroPoint", zero_point, out.is_unsigned); !s.ok()) return s;
  if (Status s = check_length("out", out.size, x.size()); !s.ok()) return s;
  const CodeRangeOf range = range_of(out.is_unsigned);
  if (!kernel.vector->quantize(
          {x.data(), x.size(), &scale, false, zero_point, range.lo, range.hi, out.data})) {
    return {};
  }
  const auto nan = std::find_if(x.begin(), x.end(), [](float v) { return v != v; });
  return {Code::nan_input, "expected numbers but received NaN at index " + std::to_string(nan - x.begin())};
}

Status dequantize_linear(const kernels::KernelSet& kernel, ConstCodes q, float scale, int32_t zero_point,
                         std::span<float> out) {
  if (Status s = check_scale("scale", scale); !s.ok()) return s;
  if (Status s = check_zero_point("zeroPoint", zero_point, q.is_unsigned); !s.ok()) return s;
  if (Status s = check_length("out", out.size(), q.size); !s.ok()) return s;
  if (q.is_unsigned) {
    kernel.vector->dequantize({q.data, q.size, scale, zero_point, out.data()});
    return {};
  }
  constexpr size_t kPiece = 1024;
  uint8_t raised[kPiece];
  for (size_t i = 0; i < q.size; i += kPiece) {
    const size_t count = std::min(kPiece, q.size - i);
    std::transform(q.data + i, q.data + i + count, raised, [](uint8_t v) { return v ^ 0x80; });
    kernel.vector->dequantize({raised, count, scale, zero_point + 128, out.data() + i});
  }
  return {};
}

Status dequantize_linear(std::span<const int32_t> q, float scale, int32_t zero_point, std::span<float> out) {
  if (Status s = check_scale("scale", scale); !s.ok()) return s;
  if (Status s = check_length("out", out.size(), q.size()); !s.ok()) return s;
  for (size_t i = 0; i < q.size(); ++i) out[i] = arith::dequantize(q[i], scale, zero_point);
  return {};
}

Status dynamic_quantize_linear(const kernels::KernelSet& kernel, std::span<const float> x,
                               arith::DynamicParams& params, Codes out) {
  const kernels::FiniteRange range = kernel.vector->finite_range(x.data(), x.size());
  params = arith::dynamic_params(range.min, range.max);
  return quantize_linear(kernel, x, params.scale, params.zero_point, out);
}

}  // namespace requant::ops
