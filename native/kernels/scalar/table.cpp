// The kernel for any CPU, written with the scalar definitions of arith/. Every other kernel answers to it.
//
//            16 columns of w (one k)
//   4 rows  ┌───────────────────────┐
//   of a    │ acc[4][16]            │   one k a step
//           └───────────────────────┘
#include "arith/float_grid.h"
#include "arith/fma.h"
#include "arith/integer.h"
#include "arith/layer_norm.h"
#include "arith/optimizers.h"
#include "arith/quantize.h"
#include "arith/requantize.h"
#include "kernels/kernel.h"
#include "kernels/scalar/int4.h"
#define REQUANT_PASS [[gnu::cold]]
#include "kernels/shared/integer_passes.h"

namespace requant::kernels {
namespace {

constexpr size_t kRows = 4;
constexpr size_t kColumns = 16;

int32_t corrected(const Epilogue& e, int32_t acc, size_t row, size_t column) noexcept {
  if (e.bias != nullptr) acc = arith::wrap_add(acc, e.bias[column]);
  for (const RankOne& c : e.corrections) {
    if (c.row != nullptr) acc = arith::wrap_add(acc, arith::wrap_mul(c.row[row], c.column[column]));
  }
  return acc;
}

int32_t to_code(const Epilogue& e, int32_t acc, size_t column) noexcept {
  const arith::CodeRange y{e.zero_point, e.lo, e.hi};
  switch (e.rounding) {
    case Rounding::half_up:
      return arith::place(arith::round_half_up(acc, e.multiplier[column], e.shift[column]), y);
    case Rounding::half_even:
      return arith::place(arith::round_half_even(acc, e.multiplier[column], e.shift[column]), y);
    case Rounding::gemmlowp:
      return arith::place(arith::round_gemmlowp(acc, e.multiplier[column], e.shift[column]), y);
    case Rounding::float32:
      return arith::requantize_float32(acc, e.scale[column], y);
  }
  return e.zero_point;
}

void store(const Epilogue& e, int32_t acc, size_t row, size_t column, void* out, size_t index) noexcept {
  switch (e.output) {
    case Output::int32:
      static_cast<int32_t*>(out)[index] = acc;
      return;
    case Output::code:
      static_cast<uint8_t*>(out)[index] = static_cast<uint8_t>(to_code(e, acc, column));
      return;
    case Output::dequantize:
      static_cast<float*>(out)[index] = static_cast<float>(acc) * e.scale[column];
      return;
    case Output::dynamic: {
      const float scaled = static_cast<float>(acc) * (e.row_scale[row] * e.scale[column]);
      static_cast<float*>(out)[index] = e.float_bias != nullptr ? scaled + e.float_bias[column] : scaled;
      return;
    }
  }
}

void epilogue(const Epilogue& e, const AccumulatorBlock& block) noexcept {
  for (size_t r = 0; r < block.rows; ++r) {
    for (size_t c = 0; c < block.columns; ++c) {
      const int32_t acc = corrected(e, block.acc[r * block.acc_stride + c], block.row + r, block.column + c);
      store(e, acc, block.row + r, block.column + c, block.out, r * block.out_stride + c);
    }
  }
}

void panel_4x16(const QGemmPanel& p) noexcept {
  for (size_t row = 0; row < p.rows; row += kRows) {
    const size_t rows = p.rows - row < kRows ? p.rows - row : kRows;
    int32_t acc[kRows][kColumns] = {};
    for (size_t k = 0; k < p.k; ++k) {
      const int8_t* w = p.weights + k * kColumns;
      for (size_t r = 0; r < rows; ++r) {
        const int32_t a = p.a[(row + r) * p.a_stride + k];
        for (size_t c = 0; c < kColumns; ++c) acc[r][c] = arith::wrap_add(acc[r][c], a * w[c]);
      }
    }
    auto* out = static_cast<uint8_t*>(p.out) + row * p.out_stride * output_bytes(p.epilogue->output);
    epilogue(*p.epilogue, {&acc[0][0], kColumns, row, rows, p.column, p.columns, out, p.out_stride});
  }
}

void qgemm_4x16_scalar(const QGemmPanel& p) noexcept {
  const size_t element = output_bytes(p.epilogue->output);
  for (size_t c = 0; c < p.columns; c += kColumns) {
    QGemmPanel panel = p;
    panel.weights += c * p.k;
    panel.column += c;
    panel.columns = p.columns - c < kColumns ? p.columns - c : kColumns;
    panel.out = static_cast<uint8_t*>(p.out) + c * element;
    panel_4x16(panel);
  }
}

template <class Weight>
void sgemm_4x16_scalar(const SGemmPanel& p) noexcept {
  const auto* weights = static_cast<const Weight*>(p.weights);
  for (size_t row = 0; row < p.rows; row += kRows) {
    const size_t rows = p.rows - row < kRows ? p.rows - row : kRows;
    float acc[kRows][kColumns] = {};
    for (size_t k = 0; k < p.k; ++k) {
      const Weight* w = weights + k * kColumns;
      for (size_t r = 0; r < rows; ++r) {
        const float a = p.a[(row + r) * p.a_row_stride + k * p.a_k_stride];
        for (size_t c = 0; c < kColumns; ++c) {
          acc[r][c] = arith::fma32(a, static_cast<float>(w[c]), acc[r][c]);
        }
      }
    }
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < p.columns; ++c) {
        float y = acc[r][c];
        if (p.scale != nullptr) y = y * p.scale[p.column + c];
        if (p.bias != nullptr) y = y + p.bias[p.column + c];
        p.out[(row + r) * p.out_stride + c] = y;
      }
    }
  }
}

bool quantize(const QuantizeRow& q) noexcept {
  const arith::CodeRange y{q.zero_point, q.lo, q.hi};
  bool nan = false;
  for (size_t i = 0; i < q.count; ++i) {
    nan |= q.x[i] != q.x[i];
    q.out[i] = static_cast<uint8_t>(arith::quantize(q.x[i], q.scale[q.scale_per_value ? i : 0], y));
  }
  return nan;
}

void dequantize(const DequantizeRow& d) noexcept {
  for (size_t i = 0; i < d.count; ++i) d.out[i] = arith::dequantize(d.codes[i], d.scale, d.zero_point);
}

/// Cold: unrolled and vectorized it would be the largest function here.
[[gnu::cold]] bool round_to_grid(const GridRow& row) noexcept {
  bool nan = false;
  for (size_t i = 0; i < row.count; ++i) {
    nan |= row.x[i] != row.x[i];
    row.out[i] = arith::round_to_grid(row.x[i], row.grid, row.scaled);
  }
  return nan;
}

FiniteRange finite_range(const float* x, size_t count) noexcept {
  const arith::FiniteRange range = arith::finite_range(x, count);
  return {range.min, range.max};
}

void lookup(const LookupRow& row) noexcept {
  for (size_t i = 0; i < row.count; ++i) row.out[i] = row.table[row.x[i]];
}

float sum(const float* x, size_t count) noexcept { return arith::row_sum(x, count); }

float square_sum(const float* x, size_t count, float mean) noexcept {
  return arith::row_square_sum(x, count, mean);
}

void normalize(const NormalizeRow& row) noexcept {
  for (size_t k = 0; k < row.count; ++k)
    row.y[k] = arith::normalize(row.x[k], row.mean, row.factor, row.weight[k], row.bias[k]);
}

CodeSums code_sums(const uint8_t* q, size_t count) noexcept {
  CodeSums sums;
  for (size_t k = 0; k < count; ++k) {
    sums.sum += q[k];
    sums.square_sum += uint64_t{q[k]} * q[k];
  }
  return sums;
}

void normalize_codes(const NormalizeCodesRow& row) noexcept {
  const arith::CodeNorm norm{row.center, row.step, row.offset};
  for (size_t k = 0; k < row.count; ++k)
    row.y[k] = arith::normalize_code(row.q[k], norm, row.weight[k], row.bias[k]);
}

void adam_step(const AdamStep& s) noexcept {
  for (size_t i = 0; i < s.count; ++i)
    arith::adam_step(s.settings, s.gradient[i], s.weight[i], s.m[i], s.v[i]);
}

void sgd_step(const SgdStep& s) noexcept {
  for (size_t i = 0; i < s.count; ++i) arith::sgd_step(s.settings, s.gradient[i], s.weight[i], s.velocity[i]);
}

constexpr QGemmKernel kQGemm{{{kColumns, 1, 1}}, qgemm_4x16_scalar, epilogue};
constexpr IntegerKernel kInteger = kIntegerPasses<random_words>;
constexpr SGemmKernel kSGemm{{kColumns, 1, 1}, sgemm_4x16_scalar<float>, sgemm_4x16_scalar<int8_t>};
constexpr VectorKernel kVector{quantize,
                               dequantize,
                               round_to_grid,
                               finite_range,
                               lookup,
                               nullptr,
                               {sum, square_sum, normalize, code_sums, normalize_codes},
                               {adam_step, sgd_step}};

}  // namespace
}  // namespace requant::kernels

extern "C" const requant::kernels::KernelSet requant_kernels_scalar{
    &requant::kernels::kQGemm, &requant::kernels::kSGemm,  &requant::kernels::kVector, nullptr,
    &requant::kernels::kInt4,  &requant::kernels::kInteger};
