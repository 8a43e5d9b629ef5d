// The products with int4 weights: panels outside, rows inside; the panels shared over threads where that
// pays.
#pragma once

#include "base/matrix_view.h"
#include "gemm/packed_int4.h"
#include "parallel/pool.h"

namespace requant::gemm {

/// Codes with a scale and a zero point a row. Rows are readable up to the next multiple of Int4Layout::kStep.
struct DynamicRows {
  MatrixView<const uint8_t> codes;
  const int32_t* group_sums;  // [m][group], see int4_group_sums
  const float* scale;
  const int32_t* minus_zero_point;  // modulo 2^16
};

/// sums[m][group] = −8·Σ of a group's codes: the half of the product that undoes the offset of half the
/// nibbles.
void int4_group_sums(MatrixView<const uint8_t> codes, size_t group_size, int32_t* sums) noexcept;

/// out[m, n], its rows beside each other. `bias` is null or padded to kColumnPad.
void int4_product(const parallel::Crew& crew, const PackedInt4& weights, const DynamicRows& a,
                  const float* bias, float* out) noexcept;
void int4_product(const parallel::Crew& crew, const PackedInt4& weights, MatrixView<const float> a,
                  const float* bias, float* out) noexcept;

}  // namespace requant::gemm
