// The contract between the drivers (gemm, plan, ops) and the instruction-set specific kernels: plain structs
// and function pointers. A kernel has no policy and allocates nothing; its results equal the scalar kernel's,
// bit for bit.
//
// Activations are unsigned bytes (int8 codes travel as code + 128). Weights are packed in column panels:
//   packed[panel][k group][column of the panel][k within the group], zero-padded in k and in columns.
// A panel has `vectors` vectors of `lanes` columns, the last one only as many vectors as it needs. A last
// panel that is no wider than the kernel's narrow layout is packed in that one. A kernel that multiplies
// s8 × s8 takes activations as a − 128 (their top bit flipped) and starts each accumulator from 128·Σk w,
// which then stands at the head of the panel: one int32 a column, modulo 2^32.
// Every per-column array is readable up to the next multiple of kColumnPad.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/float_grid.h"
#include "base/optimizers.h"

namespace requant::kernels {

inline constexpr size_t kColumnPad = 64;

struct PanelLayout {
  size_t lanes;     // columns in one vector
  size_t vectors;   // vectors in a full panel
  size_t k_group;   // consecutive k values kept together per column
  size_t head = 0;  // bytes a column before the first k: 0, or 4 for 128·Σk w

  constexpr size_t columns() const noexcept { return lanes * vectors; }
  /// Elements a column takes.
  constexpr size_t depth(size_t k) const noexcept { return head + (k + k_group - 1) / k_group * k_group; }
};

/// How a kernel wants its weights: full panels, and a last panel of few columns with more k a column, so that
/// few columns fill a vector too. narrow.lanes = 0: the kernel has no narrow layout.
struct WeightLayout {
  PanelLayout wide;
  PanelLayout narrow{0, 0, 1};
  size_t call_columns = kColumnPad;  // most that QGemmKernel::panel takes at a time, a multiple of kColumnPad

  constexpr const PanelLayout& of(size_t columns) const noexcept {
    return narrow.lanes != 0 && columns <= narrow.columns() ? narrow : wide;
  }
};

/// Weights that are mostly zeros in blocks of four columns × one k. A panel has 16 columns in four groups;
/// a group's k with a block that is not 0 are its own. A step takes up to four k of each group, all out of
/// one window of a row:
///   uint32 number of steps, padded to kHead bytes
///   [step][column][4] the weights; 0 where a group has fewer, and for columns that do not exist
///   [step][group][4] which byte of the window they meet
///   [step] uint32: where the window begins, a multiple of kStart or k − kWindow; k ≥ kWindow
struct SparseLayout {
  static constexpr size_t kColumns = 16;
  static constexpr size_t kGroup = 4;  // columns of a block
  static constexpr size_t kDepth = 4;  // k of a group in a step
  static constexpr size_t kWindow = 64;
  static constexpr size_t kStart = 16;
  static constexpr size_t kHead = 64;
  static constexpr size_t kWeightBytes = kColumns * kDepth;
  static constexpr size_t kIndexBytes = kColumns / kGroup * kDepth;
};

enum class Rounding : uint8_t { half_up, half_even, gemmlowp, float32 };

enum class Output : uint8_t {
  int32,       // acc
  code,        // clamp(zero_point + round(acc · M), lo, hi), one byte
  dequantize,  // fl(fl(acc) · scale[n])
  dynamic,     // fl(fl(fl(acc) · fl(row_scale[m] · scale[n])) + float_bias[n])
};

constexpr size_t output_bytes(Output output) noexcept { return output == Output::code ? 1 : 4; }

/// acc[m, n] += row[m] · column[n] modulo 2^32: how zero points that are not folded into the bias are
/// corrected.
struct RankOne {
  const int32_t* row = nullptr;
  const int32_t* column = nullptr;
};

/// What happens to an accumulator on its way out. Null pointers mean "not there".
struct Epilogue {
  Output output = Output::int32;
  Rounding rounding = Rounding::half_up;
  bool pre_shift = false;  // some column has s < 33
  int32_t zero_point = 0;
  int32_t lo = 0;
  int32_t hi = 0;
  const int32_t* bias = nullptr;        // [n], zero points folded in, modulo 2^32
  RankOne corrections[2];               // weight zero points; per-row activation zero points
  const int32_t* multiplier = nullptr;  // [n] m
  const int32_t* shift = nullptr;       // [n] s
  const float* scale = nullptr;         // [n] M as a float32, or the scale of the float outputs
  /// [n / kColumnPad] Not 0: for every accumulator these columns can have, the rounding's code is
  ///   clamp(zero_point + rne(acc·M), lo, hi)  from one fused multiply-add over `scale`, or, for float32,
  ///   clamp(zero_point + rne(fl(acc·M)), lo, hi)  with |acc·M| < 2^23 (see gemm/column_params.cpp).
  const uint8_t* by_magic = nullptr;
  const float* row_scale = nullptr;   // [m]
  const float* float_bias = nullptr;  // [n]
};

/// A block of accumulators and where its outputs go. `row` and `column` index the epilogue's arrays.
struct AccumulatorBlock {
  const int32_t* acc;
  size_t acc_stride;  // elements
  size_t row, rows;
  size_t column, columns;
  void* out;          // of element [row, column]
  size_t out_stride;  // elements
};

/// All rows of the panels that hold columns [column, column + columns): acc = Σ a·w, then the epilogue.
/// `column` is a multiple of kColumnPad and `columns` at most the layout's call_columns: one panel, or a few
/// after each other.
struct QGemmPanel {
  const uint8_t* a;
  size_t a_stride;
  const int8_t* weights;  // the first of these panels
  size_t rows, k;
  size_t column, columns;
  const Epilogue* epilogue;
  void* out;          // of element [0, column]
  size_t out_stride;  // elements
};

using QGemmPanelFn = void (*)(const QGemmPanel&) noexcept;

struct QGemmKernel {
  WeightLayout layout;
  QGemmPanelFn panel;
  void (*epilogue)(const Epilogue&, const AccumulatorBlock&) noexcept;
  /// One sparse panel; `column` is a multiple of SparseLayout::kColumns. For CPUs with AVX-512 VBMI
  /// (dispatch::sparse_panel_of), or null.
  QGemmPanelFn sparse_panel = nullptr;
};

/// All rows of one column panel of a float32 product. Each output is one chain of fused multiply-adds over k
/// ascending from 0; then, where there, fl(a · scale[n]) and fl(a + bias[n]).
struct SGemmPanel {
  const float* a;
  size_t a_row_stride, a_k_stride;  // a[m, k] = a[m · a_row_stride + k · a_k_stride]
  const void* weights;              // float or int8_t, this panel
  size_t rows, k;
  size_t column, columns;
  const float* scale;  // [n] or null
  const float* bias;   // [n] or null
  float* out;          // of element [0, column]
  size_t out_stride;
};

struct SGemmKernel {
  PanelLayout layout;
  void (*panel_f32)(const SGemmPanel&) noexcept;
  void (*panel_s8)(const SGemmPanel&) noexcept;
};

/// int4 weights: k in groups with a float32 scale each. A byte holds one k of two columns, `lanes` columns
/// apart, so that both are multiplied by the same activation:
///   packed[panel][group][4 k of it][vector][lane][k]   low nibble: w + 8, high nibble: w of the other column
/// As a signed byte that is 16·w' + (w + 8): two dot products, of the byte and of its low nibble, and one
/// subtraction a group give both columns. Padding in k is 0. Behind the bytes of a group
///   [column of the panel] int32: Σw of the group in the lower half, of high nibbles 16·Σw; its scale's upper
///   half in the upper one, where the lower halves of all scales of the layer are 0; otherwise Σw is followed
///   by [column of the panel] float: the group's scale.
/// For codes the scales of the high nibbles' columns are divided by 16, which is exact.
struct Int4Layout {
  static constexpr size_t kStep = 4;     // k packed beside each other
  static constexpr int32_t kOffset = 8;  // of the low nibbles
  static constexpr int32_t kHighUnit = 16;

  size_t lanes;    // columns in a vector's low nibbles, and in its high ones
  size_t vectors;  // in a full panel; the last panel has only as many as it needs

  constexpr size_t vector_columns() const noexcept { return 2 * lanes; }
  constexpr size_t columns() const noexcept { return vector_columns() * vectors; }
};

/// All rows of one column panel of a product with int4 weights. With float32 activations:
///   t = one chain of fused multiply-adds over a group's k from 0;  y = fma(t, s[n, g], y) over groups from
///   0; fl(y + bias[n])
/// With codes: t = fl(Σ (a − zero_point[m])·w), and fl(fl(y · row_scale[m]) + bias[n]) at the end. Rows of
/// codes are readable up to the next multiple of kStep.
struct Int4Panel {
  const void* a;             // float or uint8_t
  size_t a_stride;           // elements
  const std::byte* weights;  // this panel
  bool short_scales;         // in the upper halves
  size_t rows, k, group_size;
  size_t column, columns;
  const int32_t* group_sums;        // [m][group] −kOffset·Σa; codes only, as the next two
  const int32_t* minus_zero_point;  // [m] modulo 2^16: it meets Σw in the lower half of a word
  const float* row_scale;           // [m]
  const float* bias;                // [n] or null
  float* out;                       // of element [0, column]
  size_t out_stride;

  constexpr size_t groups() const noexcept { return (k + group_size - 1) / group_size; }
};

struct Int4Kernel {
  Int4Layout layout;
  void (*panel_u8)(const Int4Panel&) noexcept;
  void (*panel_f32)(const Int4Panel&) noexcept;
};

struct QuantizeRow {
  const float* x;
  size_t count;
  const float* scale;  // one, or one a value
  bool scale_per_value;
  int32_t zero_point, lo, hi;
  uint8_t* out;
};

struct DequantizeRow {
  const uint8_t* codes;
  size_t count;
  float scale;
  int32_t zero_point;
  float* out;
};

/// Each value's nearest number of the grid (arith/float_grid.h), or, where `scaled` is false, of the grid
/// before it is scaled. What stands where x is NaN is open. `out` may be x.
struct GridRow {
  const float* x;
  size_t count;
  FloatGrid grid;  // arith::valid_grid
  bool scaled;
  float* out;
};

/// The smallest range that holds 0 and every finite value of a row.
struct FiniteRange {
  float min = 0.0F;
  float max = 0.0F;
};

/// out[i] = table[x[i]]
struct LookupRow {
  const uint8_t* x;
  size_t count;
  const uint8_t* table;  // 256 entries, 64-byte aligned
  uint8_t* out;
};

using LookupFn = void (*)(const LookupRow&) noexcept;

/// y = fl(fl(fl(fl(x − mean) · factor) · weight) + bias)
struct NormalizeRow {
  const float* x;
  size_t count;
  float mean, factor;
  const float *weight, *bias;  // [count]
  float* y;
};

/// y = fl(fl(fl(fl(fl(q − center) · step) + offset) · weight) + bias)
struct NormalizeCodesRow {
  const uint8_t* q;
  size_t count;
  int32_t center;
  float step, offset;
  const float *weight, *bias;  // [count]
  float* y;
};

/// Exact.
struct CodeSums {
  uint64_t sum = 0;
  uint64_t square_sum = 0;
};

/// The loops of layer norm (arith/layer_norm.h). Sums of floats are 16 partial sums, k mod 16, ascending,
/// combined (i, i+8), (i, i+4), (i, i+2), (i, i+1); which of the values that are not finite comes out where
/// one goes in is open.
struct NormKernel {
  float (*sum)(const float* x, size_t count) noexcept;
  /// Σ fl(d·d), d = fl(x − mean)
  float (*square_sum)(const float* x, size_t count, float mean) noexcept;
  void (*normalize)(const NormalizeRow&) noexcept;
  CodeSums (*code_sums)(const uint8_t* q, size_t count) noexcept;
  void (*normalize_codes)(const NormalizeCodesRow&) noexcept;
};

/// A step of an optimizer for `count` weights (arith/optimizers.h). The arrays do not overlap.
struct AdamStep {
  AdamSettings settings;
  size_t count;
  const float* gradient;
  float *weight, *m, *v;
};

struct SgdStep {
  SgdSettings settings;
  size_t count;
  const float* gradient;
  float *weight, *velocity;
};

struct OptimizerKernel {
  void (*adam)(const AdamStep&) noexcept;
  void (*sgd)(const SgdStep&) noexcept;
};

struct VectorKernel {
  /// True when x holds a NaN (whose code is the zero point).
  bool (*quantize)(const QuantizeRow&) noexcept;
  void (*dequantize)(const DequantizeRow&) noexcept;
  /// True when x holds a NaN.
  bool (*round_to_grid)(const GridRow&) noexcept;
  FiniteRange (*finite_range)(const float* x, size_t count) noexcept;
  LookupFn lookup;
  LookupFn lookup_vbmi;  // for CPUs with AVX-512 VBMI (dispatch::lookup_of), or null
  NormKernel norm;
  OptimizerKernel optimizers;
};

/// Training with integers (training/integer_net.h): passes over blocks of kColumnPad columns, none of which
/// computes with floats. rne(x, s) is x / 2^s rounded to the nearest integer, halves to even, for |x| ≤ 2^30
/// and s ≤ 30.
namespace integer {

/// What an accumulator lets through on the way back.
inline constexpr uint8_t kUnclipped = 1;  // acc ≤ 127·2^shift
inline constexpr uint8_t kPositive = 2;   // acc > 0

/// code = min(rne(max(acc, 0), shift), 127), and what passes.
struct Activation {
  const int32_t* acc;  // [rows, kColumnPad]
  size_t rows;
  int32_t shift;
  uint8_t *codes, *passes;
  size_t stride;  // of these two
};

/// error = 0 where not all bits of `needed` are there.
struct Masking {
  int32_t* error;
  const uint8_t* passes;
  size_t rows, stride;
  uint8_t needed;
};

/// code = 128 + clamp(rne(error, shift), ±127); a negative shift multiplies. 128 where not all bits of
/// `needed` are there.
struct Rounding {
  const int32_t* error;
  const uint8_t* passes;  // null: nothing is needed
  size_t rows, stride;
  int32_t shift;
  uint8_t needed;
  uint8_t* codes;
};

/// Philox-4x32-10. Word i of the 64 that belong to a block of columns is word i / 16 of the counter
/// {first + i % 16, counter[0], counter[1], counter[2]}.
struct RandomBlock {
  uint32_t first;
  uint32_t counter[3];
  uint32_t key[2];
};

/// stored −= sgn(g)·v, v = |g| / 2^shift rounded stochastically by 64 random bits r:
///   shift ≤ 0:  |g| << −shift        else  (|g| >> shift) + (r mod 2^shift < |g| mod 2^shift)
/// then clamped to ±limit; code = clamp(rne(stored, code_shift), ±127).
/// r's lower word is random's; its upper one, which matters beyond a shift of 32, that of the counter with
/// kUpperWord added to counter[1]. counter[0] counts the rows.
inline constexpr uint32_t kUpperWord = uint32_t{1} << 31;

struct Update {
  const int32_t* gradient;
  size_t gradient_stride;
  int16_t* stored;
  size_t stored_stride;
  size_t rows;
  int32_t shift;  // ≤ 63
  int32_t limit, code_shift;
  RandomBlock random;
  int8_t* codes;  // [rows, kColumnPad]
};

}  // namespace integer

struct IntegerKernel {
  /// How many accumulators do not pass as kUnclipped.
  uint64_t (*activate)(const integer::Activation&) noexcept;
  /// max |error| after masking
  uint32_t (*mask)(const integer::Masking&) noexcept;
  void (*round)(const integer::Rounding&) noexcept;
  /// max |x| of rows of kColumnPad values
  uint32_t (*largest)(const int32_t* x, size_t stride, size_t rows) noexcept;
  void (*update)(const integer::Update&) noexcept;
};

/// Loops of the products' own instructions on registers alone: what no kernel can exceed. Each returns the
/// number of multiply-accumulates it did in `steps` steps.
struct PeakLoops {
  uint64_t (*int8)(uint64_t steps) noexcept;
  uint64_t (*float32)(uint64_t steps) noexcept;
};

/// One instruction set's kernels. Nulls are filled in by dispatch::compiled_kernels.
struct KernelSet {
  const QGemmKernel* qgemm;
  const SGemmKernel* sgemm;                // null: that of the instruction set it extends
  const VectorKernel* vector;              // and so
  const PeakLoops* peak;                   // null for the scalar kernel
  const Int4Kernel* int4 = nullptr;        // null: the scalar kernel's serves
  const IntegerKernel* integer = nullptr;  // null: that of the instruction set it extends
};

}  // namespace requant::kernels

// Each instruction set exports its table and nothing else. Declared here, defined where it is compiled.
extern "C" const requant::kernels::KernelSet requant_kernels_scalar;
extern "C" const requant::kernels::KernelSet requant_kernels_avx2;
extern "C" const requant::kernels::KernelSet requant_kernels_avxvnni;
extern "C" const requant::kernels::KernelSet requant_kernels_avx512vnni;
extern "C" const requant::kernels::KernelSet requant_kernels_neon_dotprod;
extern "C" const requant::kernels::KernelSet requant_kernels_neon_i8mm;
