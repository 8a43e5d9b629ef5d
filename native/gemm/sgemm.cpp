#include "gemm/sgemm.h"

#include "gemm/packed_weights.h"

namespace requant::gemm {

template <class T>
Result<PackedFloatWeights> pack_float_weights(const kernels::SGemmKernel& kernel, const T* source,
                                              size_t n_stride, size_t k_stride, size_t out_features,
                                              size_t in_features) {
  AlignedBuffer<T> packed;
  const size_t size = packed_size({kernel.layout}, out_features, in_features);
  if (!packed.allocate(size)) return out_of_memory(size * sizeof(T));
  pack({kernel.layout}, source, n_stride, k_stride, out_features, in_features, packed.data());
  return PackedFloatWeights{SharedBuffer<T>(std::move(packed)), out_features, in_features};
}

template Result<PackedFloatWeights> pack_float_weights<float>(const kernels::SGemmKernel&, const float*,
                                                              size_t, size_t, size_t, size_t);
template Result<PackedFloatWeights> pack_float_weights<int8_t>(const kernels::SGemmKernel&, const int8_t*,
                                                               size_t, size_t, size_t, size_t);

void sgemm(const kernels::SGemmKernel& kernel, const FloatOperand& a, const PackedFloatWeights& weights,
           const float* scale, const float* bias, float* out, size_t out_stride) noexcept {
  sgemm(kernel, a, weights, scale, bias, out, out_stride,
        {0, panel_count(kernel.layout, weights.out_features)});
}

void sgemm(const kernels::SGemmKernel& kernel, const FloatOperand& a, const PackedFloatWeights& weights,
           const float* scale, const float* bias, float* out, size_t out_stride, Panels panels) noexcept {
  std::visit(
      [&]<class T>(const SharedBuffer<T>& packed) {
        constexpr bool kIsFloat = std::is_same_v<T, float>;
        const auto panel = kIsFloat ? kernel.panel_f32 : kernel.panel_s8;
        for_each_panel(kernel.layout, weights.out_features, weights.in_features, panels.first, panels.end,
                       [&](size_t column, size_t columns, size_t offset) {
                         panel({a.data, a.row_stride, a.k_stride, packed.data() + offset, a.rows,
                                weights.in_features, column, columns, scale, bias, out + column, out_stride});
                       });
      },
      weights.data);
}

}  // namespace requant::gemm
