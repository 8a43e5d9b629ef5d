// Float32 products of operands that change between calls (training): nothing stays packed. Each panel of
// columns is packed into a cache-sized scratch and multiplied at once.
#pragma once

#include "base/status.h"
#include "gemm/crew.h"

namespace requant::gemm {

/// b[n, k] = data[n · stride + k · k_stride], n < columns. One of the strides is 1.
struct FloatColumns {
  const float* data;
  size_t columns, k;
  size_t stride, k_stride;
};

/// out[m, n] = fl(chain + bias[n]), chain = fma over k of a[m, k]·b[n, k] ascending from 0. `bias` [columns]
/// or null. `out` is row-major and overlaps nothing else. The pool's threads share the panels where that
/// pays.
Status float_product(parallel::Pool& pool, const kernels::SGemmKernel& kernel, const FloatOperand& a,
                     const FloatColumns& b, const float* bias, float* out);

}  // namespace requant::gemm
