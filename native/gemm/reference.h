// The readable reference: a triple loop that says what every kernel must return. For tests and readers.
#pragma once

#include <cstdint>
#include <span>

#include "arith/fma.h"
#include "arith/integer.h"
#include "base/matrix_view.h"

namespace requant::gemm {

/// acc[m, n] = b[n] + Σk (x[m, k] − zx)·(w[n, k] − zw[n]). X and W are int8_t or uint8_t.
template <class X, class W>
void reference_accumulate(MatrixView<const X> x, int32_t zx, MatrixView<const W> w,
                          std::span<const int32_t> zw, std::span<const int32_t> bias,
                          MatrixView<int32_t> acc) noexcept {
  for (size_t m = 0; m < x.rows; ++m) {
    for (size_t n = 0; n < w.rows; ++n) {
      int32_t sum = bias.empty() ? 0 : bias[n];
      for (size_t k = 0; k < x.cols; ++k) {
        const int32_t weight = w.at(n, k) - (zw.empty() ? 0 : zw[n]);
        sum = arith::wrap_add(sum, (x.at(m, k) - zx) * weight);
      }
      acc.at(m, n) = sum;
    }
  }
}

/// y[m, n] = one chain a = fma(x[m, k], w[n, k], a), k ascending from a = 0.
template <class W>
void reference_float_product(MatrixView<const float> x, MatrixView<const W> w, MatrixView<float> y) noexcept {
  for (size_t m = 0; m < x.rows; ++m) {
    for (size_t n = 0; n < w.rows; ++n) {
      float sum = 0.0F;
      for (size_t k = 0; k < x.cols; ++k) sum = arith::fma32(x.at(m, k), static_cast<float>(w.at(n, k)), sum);
      y.at(m, n) = sum;
    }
  }
}

/// int4 weights w [n, k] as bytes, `scale` [n, group]:  y = fma(t, s[n, g], y), groups ascending from 0,
/// where t is one chain of fused multiply-adds over the group's k, k ascending from 0.
inline void reference_int4_product(MatrixView<const float> x, MatrixView<const int8_t> w, size_t group_size,
                                   MatrixView<const float> scale, MatrixView<float> y) noexcept {
  for (size_t m = 0; m < x.rows; ++m) {
    for (size_t n = 0; n < w.rows; ++n) {
      float sum = 0.0F;
      for (size_t g = 0; g < scale.cols; ++g) {
        float t = 0.0F;
        for (size_t k = g * group_size; k < x.cols && k < (g + 1) * group_size; ++k)
          t = arith::fma32(x.at(m, k), static_cast<float>(w.at(n, k)), t);
        sum = arith::fma32(t, scale.at(n, g), sum);
      }
      y.at(m, n) = sum;
    }
  }
}

/// The same with codes x of zero point zx[m] and scale sx[m]:  t = fl(Σ (x − zx)·w), and fl(y · sx) at the
/// end.
inline void reference_int4_product(MatrixView<const uint8_t> x, std::span<const int32_t> zx,
                                   std::span<const float> sx, MatrixView<const int8_t> w, size_t group_size,
                                   MatrixView<const float> scale, MatrixView<float> y) noexcept {
  for (size_t m = 0; m < x.rows; ++m) {
    for (size_t n = 0; n < w.rows; ++n) {
      float sum = 0.0F;
      for (size_t g = 0; g < scale.cols; ++g) {
        int32_t acc = 0;
        for (size_t k = g * group_size; k < x.cols && k < (g + 1) * group_size; ++k)
          acc += (x.at(m, k) - zx[m]) * w.at(n, k);
        sum = arith::fma32(static_cast<float>(acc), scale.at(n, g), sum);
      }
      y.at(m, n) = sum * sx[m];
    }
  }
}

}  // namespace requant::gemm
