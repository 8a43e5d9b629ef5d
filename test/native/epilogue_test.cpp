// Every kernel's epilogue against the scalar definitions of arith/requantize.h, at tolerance 0: the tie
// corpus, random accumulators, corrections and float outputs, at the edges of guarded memory.
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "arith/integer.h"
#include "arith/requantize.h"
#include "base/aligned_buffer.h"
#include "check.h"
#include "corpus.h"
#include "guarded_buffer.h"
#include "kernels_here.h"
#include "random.h"

namespace {

using namespace requant;
using kernels::Epilogue;
using kernels::kColumnPad;
using kernels::Output;
using kernels::Rounding;
using test::check;
using test::Flush;
using test::GuardedBuffer;
using test::Multiplier;
using test::OutputGrid;
using test::Random;
using test::run_case;

/// Accumulators a rounding and a kernel, over all output grids.
long random_accumulators = 1'200'000;
/// The tie corpus visits every output grid, or a part of them.
size_t corpus_grid_step = 1;

/// Per-column arrays of (m, s) and M, padded as ColumnParams pads them.
struct Columns {
  std::vector<int32_t> m, s;
  std::vector<float> scale;
  size_t count = 0;

  explicit Columns(const std::vector<Multiplier>& multipliers) : count(multipliers.size()) {
    const size_t padded = round_up(count, kColumnPad);
    m.resize(padded, 0);
    s.resize(padded, 63);
    scale.resize(padded, 0);
    for (size_t c = 0; c < count; ++c) {
      m[c] = multipliers[c].m;
      s[c] = multipliers[c].s;
      scale[c] = arith::multiplier_as_float(m[c], s[c]);
    }
  }

  Epilogue epilogue(Rounding rounding, const OutputGrid& grid) const {
    Epilogue e;
    e.output = Output::code;
    e.rounding = rounding;
    for (size_t c = 0; c < count; ++c) e.pre_shift |= s[c] < 33;
    e.zero_point = grid.zero_point;
    e.lo = grid.lo;
    e.hi = grid.hi;
    e.multiplier = m.data();
    e.shift = s.data();
    e.scale = scale.data();
    return e;
  }
};

uint8_t expected_code(const Epilogue& e, int32_t acc, size_t c) {
  const arith::CodeRange y{e.zero_point, e.lo, e.hi};
  switch (e.rounding) {
    case Rounding::half_up:
      return static_cast<uint8_t>(arith::place(arith::round_half_up(acc, e.multiplier[c], e.shift[c]), y));
    case Rounding::half_even:
      return static_cast<uint8_t>(arith::place(arith::round_half_even(acc, e.multiplier[c], e.shift[c]), y));
    case Rounding::gemmlowp:
      return static_cast<uint8_t>(arith::place(arith::round_gemmlowp(acc, e.multiplier[c], e.shift[c]), y));
    case Rounding::float32:
      break;
  }
  return static_cast<uint8_t>(arith::requantize_float32(acc, e.scale[c], y));
}

/// Codes of a [rows, columns] matrix of accumulators; returns the number of differences.
long compare_codes(const kernels::QGemmKernel& kernel, const Epilogue& e, const std::vector<int32_t>& acc,
                   size_t columns) {
  const size_t rows = acc.size() / columns;
  std::vector<uint8_t> out(acc.size());
  kernel.epilogue(e, {acc.data(), columns, 0, rows, 0, columns, out.data(), columns});
  long bad = 0;
  for (size_t i = 0; i < acc.size(); ++i) bad += out[i] != expected_code(e, acc[i], i % columns);
  return bad;
}

std::string message(Rounding rounding, const OutputGrid& grid, long bad) {
  return std::string(test::name_of(rounding)) + ", zero point " + std::to_string(grid.zero_point) + ", [" +
         std::to_string(grid.lo) + ", " + std::to_string(grid.hi) + "]: " + std::to_string(bad) +
         " differences";
}

void tie_corpus(const kernels::QGemmKernel& kernel) {
  long total = 0;
  for (const int32_t s_from : {25, 33}) {  // with and without pre_shift
    const std::vector<Multiplier> multipliers = test::corpus_multipliers(s_from);
    const Columns columns(multipliers);
    const size_t rows = test::corpus_accumulators(multipliers[0]).size();
    std::vector<int32_t> acc(rows * columns.count);
    for (size_t c = 0; c < columns.count; ++c) {
      const std::vector<int32_t> list = test::corpus_accumulators(multipliers[c]);
      for (size_t r = 0; r < rows; ++r) acc[r * columns.count + c] = list[r];
    }
    for (const Rounding rounding : test::kRoundings) {
      for (size_t g = 0; g < std::size(test::kOutputGrids); g += corpus_grid_step) {
        const OutputGrid& grid = test::kOutputGrids[g];
        const long bad = compare_codes(kernel, columns.epilogue(rounding, grid), acc, columns.count);
        check(bad == 0, message(rounding, grid, bad));
        total += static_cast<long>(acc.size());
      }
    }
  }
  std::printf("  %ld codes\n", total);
}

Multiplier random_multiplier(Random& random, int32_t s_from) {
  const auto s = static_cast<int32_t>(random.between(s_from, 63));
  if (random.chance(16)) return {0, s};
  if (random.chance(4)) return {test::normalized(static_cast<int32_t>(random.between(1, 1023))), s};
  const auto m = static_cast<int32_t>(random.between(1 << 30, INT32_MAX));
  return {random.chance(2) ? m : m & ~127, s};
}

void random_codes(const kernels::QGemmKernel& kernel) {
  Random random(11);
  const long grids = std::size(test::kOutputGrids);
  const size_t count = 203;
  const size_t rows = static_cast<size_t>(random_accumulators / grids / 2) / count + 1;
  std::vector<int32_t> acc(rows * count);
  for (const OutputGrid& grid : test::kOutputGrids) {
    for (const int32_t s_from : {25, 33}) {
      std::vector<Multiplier> multipliers(count);
      for (Multiplier& m : multipliers) m = random_multiplier(random, s_from);
      Columns columns(multipliers);
      for (int32_t& a : acc) a = random.integer();
      for (const Rounding rounding : test::kRoundings) {
        const long bad = compare_codes(kernel, columns.epilogue(rounding, grid), acc, count);
        check(bad == 0, message(rounding, grid, bad));
      }
      // Rounding::float32 takes any finite M ≥ 0.
      for (float& m : columns.scale) {
        const float any = random.any_float();
        m = any >= 0 && any <= 3.4e38F ? any : 0.0F;
      }
      const long bad = compare_codes(kernel, columns.epilogue(Rounding::float32, grid), acc, count);
      check(bad == 0, message(Rounding::float32, grid, bad));
    }
  }
}

/// Everything an epilogue may hold, in guarded memory.
struct FullEpilogue {
  GuardedBuffer<int32_t> bias{256}, column0{256}, column1{256}, m{256}, s{256}, row0{16}, row1{16};
  GuardedBuffer<float> scale{256}, row_scale{16}, float_bias{256};
  Epilogue e;

  FullEpilogue(Random& random, Output output, size_t rows, size_t columns, Flush flush) {
    const size_t padded = round_up(columns, kColumnPad);
    const OutputGrid grid = test::kOutputGrids[random.word() % std::size(test::kOutputGrids)];
    e.output = output;
    e.rounding = test::kRoundings[random.word() % 4];
    e.zero_point = grid.zero_point;
    e.lo = grid.lo;
    e.hi = grid.hi;
    e.multiplier = filled(m, padded, flush, [&] { return random_multiplier(random, 25).m; });
    e.shift = filled(s, padded, flush, [&] { return static_cast<int32_t>(random.between(25, 63)); });
    e.pre_shift = true;
    e.scale = filled(scale, padded, flush, [&] { return random.scaled(-20, 5); });
    if (e.rounding == Rounding::float32 && output == Output::code) {
      e.scale = filled(scale, padded, flush, [&] { return random.scaled(-20, 5) + 33.0F; });
    }
    if (random.chance(2)) e.bias = filled(bias, padded, flush, [&] { return random.integer(); });
    const auto integer = [&] { return random.integer(); };
    if (random.chance(2))
      e.corrections[0] = {filled(row0, rows, flush, integer), filled(column0, padded, flush, integer)};
    if (random.chance(2))
      e.corrections[1] = {filled(row1, rows, flush, integer), filled(column1, padded, flush, integer)};
    if (output == Output::dynamic) {
      e.row_scale = filled(row_scale, rows, flush, [&] { return random.scaled(-20, 5); });
      if (random.chance(2))
        e.float_bias = filled(float_bias, padded, flush, [&] { return random.scaled(-5, 5); });
    }
  }

  template <class T, class Make>
  static const T* filled(GuardedBuffer<T>& buffer, size_t count, Flush flush, Make make) {
    T* data = buffer.place(count, flush);
    for (size_t i = 0; i < count; ++i) data[i] = make();
    return data;
  }

  int32_t corrected(int32_t acc, size_t row, size_t column) const {
    uint32_t sum = static_cast<uint32_t>(acc);
    if (e.bias != nullptr) sum += static_cast<uint32_t>(e.bias[column]);
    for (const kernels::RankOne& c : e.corrections) {
      if (c.row != nullptr)
        sum += static_cast<uint32_t>(c.row[row]) * static_cast<uint32_t>(c.column[column]);
    }
    return static_cast<int32_t>(sum);
  }

  bool matches(int32_t acc, size_t row, size_t column, const void* out, size_t index) const {
    const int32_t full = corrected(acc, row, column);
    const auto value = static_cast<float>(full);
    switch (e.output) {
      case Output::int32:
        return static_cast<const int32_t*>(out)[index] == full;
      case Output::code:
        return static_cast<const uint8_t*>(out)[index] == expected_code(e, full, column);
      case Output::dequantize:
        return test::same_float(static_cast<const float*>(out)[index], value * e.scale[column]);
      case Output::dynamic:
        break;
    }
    float y = value * (e.row_scale[row] * e.scale[column]);
    if (e.float_bias != nullptr) y = y + e.float_bias[column];
    return test::same_float(static_cast<const float*>(out)[index], y);
  }
};

/// One block at (first row, first column) of a larger matrix. The output keeps its gaps between rows.
long compare_block(const kernels::QGemmKernel& kernel, Random& random, Output output, size_t columns,
                   Flush flush) {
  static GuardedBuffer<int32_t> acc_memory(8 * 200);
  static GuardedBuffer<uint8_t> out_memory(8 * 200 * 4);
  const size_t rows = 1 + random.word() % 4;
  const size_t first_row = random.word() % 4;
  const size_t first_column = random.chance(2) ? 64 : 0;
  const size_t acc_stride = columns + random.word() % 5;
  const size_t out_stride = columns + random.word() % 5;
  const FullEpilogue full(random, output, first_row + rows, first_column + columns, flush);
  int32_t* acc = acc_memory.place((rows - 1) * acc_stride + columns, flush);
  for (size_t i = 0; i < (rows - 1) * acc_stride + columns; ++i) acc[i] = random.integer();
  const size_t element = kernels::output_bytes(output);
  uint8_t* out = out_memory.place(((rows - 1) * out_stride + columns) * element, flush);
  kernel.epilogue(full.e, {acc, acc_stride, first_row, rows, first_column, columns, out, out_stride});

  long bad = out_memory.untouched() ? 0 : 1;
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      bad += !full.matches(acc[r * acc_stride + c], first_row + r, first_column + c, out, r * out_stride + c);
    }
    for (size_t gap = columns * element; r + 1 < rows && gap < out_stride * element; ++gap) {
      bad += out[r * out_stride * element + gap] != 0xA5;
    }
  }
  return bad;
}

void blocks(const kernels::QGemmKernel& kernel) {
  Random random(12);
  for (const Output output : {Output::int32, Output::code, Output::dequantize, Output::dynamic}) {
    for (size_t columns = 1; columns <= 130; ++columns) {
      for (int round = 0; round < 12; ++round) {
        const long bad =
            compare_block(kernel, random, output, columns, round % 2 == 0 ? Flush::end : Flush::start);
        check(bad == 0, "output " + std::to_string(static_cast<int>(output)) + ", " +
                            std::to_string(columns) + " columns: " + std::to_string(bad) + " differences");
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (test::has_argument(argc, argv, "--quick")) {
    random_accumulators = 100'000;
    corpus_grid_step = 4;
  }
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    const std::string name = kernel->name;
    run_case("epilogue, " + name + ": tie corpus", [&] { tie_corpus(*kernel->set->qgemm); });
    run_case("epilogue, " + name + ": random accumulators", [&] { random_codes(*kernel->set->qgemm); });
    run_case("epilogue, " + name + ": all outputs, corrections, 1…130 columns",
             [&] { blocks(*kernel->set->qgemm); });
  }
  return test::finish();
}
