// Codes by one fused multiply-add (Epilogue::by_magic) against the fixed-point definitions, at tolerance 0:
// the tie corpus and random multipliers, every rounding and output grid. The accumulators come in as biases
// over zero weights, so that ColumnParams sees each column's exact bound.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "arith/requantize.h"
#include "check.h"
#include "corpus.h"
#include "gemm/column_params.h"
#include "gemm/qgemm.h"
#include "kernels_here.h"
#include "random.h"

namespace {

using namespace requant;
using kernels::kColumnPad;
using kernels::Rounding;
using test::check;
using test::Multiplier;
using test::OutputGrid;
using test::Random;
using test::run_case;

size_t grid_step = 1;
int random_multipliers = 400;

uint8_t expected_code(Rounding rounding, int32_t acc, const Multiplier& m, const OutputGrid& grid) {
  const arith::CodeRange y{grid.zero_point, grid.lo, grid.hi};
  switch (rounding) {
    case Rounding::half_up:
      return static_cast<uint8_t>(arith::place(arith::round_half_up(acc, m.m, m.s), y));
    case Rounding::half_even:
      return static_cast<uint8_t>(arith::place(arith::round_half_even(acc, m.m, m.s), y));
    case Rounding::gemmlowp:
      return static_cast<uint8_t>(arith::place(arith::round_gemmlowp(acc, m.m, m.s), y));
    case Rounding::float32:
      break;
  }
  return static_cast<uint8_t>(arith::requantize_float32(acc, arith::multiplier_as_float(m.m, m.s), y));
}

struct Counts {
  long codes = 0, by_magic = 0, bad = 0;
};

/// One row of zeros times zero weights: column n's accumulator is bias[n], and every column has the same M.
void compare(const kernels::KernelSet& set, Rounding rounding, const Multiplier& m, const OutputGrid& grid,
             const std::vector<int32_t>& accumulators, Counts& counts) {
  const size_t n = accumulators.size();
  static const std::vector<int8_t> zeros(4096, 0);
  const auto weights = gemm::PackedWeights::make(set.qgemm->layout, {zeros.data(), false, n, 1, {}});
  if (!check(weights.ok() && n <= zeros.size(), "weights")) return;
  gemm::ColumnParams params;
  const std::vector<int32_t> multiplier(n, m.m);
  const std::vector<int32_t> shift(n, m.s);
  const bool ready =
      params.fold_bias(*weights.value, accumulators, 0).ok() &&
      params.set_requantize({rounding, multiplier, shift, {}, grid.zero_point, grid.lo, grid.hi}, n).ok() &&
      params.find_columns_by_magic(*weights.value, accumulators, 0, 255).ok();
  if (!check(ready, "parameters")) return;
  std::vector<uint8_t> out(7 * n);
  const uint8_t rows[7] = {};
  gemm::qgemm(*set.qgemm, {rows, 7, 1, 1}, *weights.value, params.epilogue(), out.data(), n);
  for (size_t i = 0; i < out.size(); ++i)
    counts.bad += out[i] != expected_code(rounding, accumulators[i % n], m, grid);
  counts.codes += static_cast<long>(out.size());
  for (size_t c = 0; c < n; ++c) counts.by_magic += params.epilogue().by_magic[c / kColumnPad] != 0;
}

/// Small ones first: columns that share a flag have like bounds.
std::vector<int32_t> sorted(std::vector<int32_t> accumulators) {
  std::sort(accumulators.begin(), accumulators.end(), [](int32_t a, int32_t b) {
    return std::abs(static_cast<int64_t>(a)) < std::abs(static_cast<int64_t>(b));
  });
  return accumulators;
}

Counts all(const kernels::KernelSet& set, Rounding rounding) {
  Counts counts;
  Random random(7);
  std::vector<Multiplier> multipliers = test::corpus_multipliers();
  for (int i = 0; i < random_multipliers; ++i) {
    const auto m = static_cast<int32_t>(random.between(1 << 30, INT32_MAX));
    multipliers.push_back({m & ~127, static_cast<int32_t>(random.between(25, 63))});
  }
  size_t next = 0;
  for (const Multiplier& m : multipliers) {
    const std::vector<int32_t> accumulators = sorted(test::corpus_accumulators(m));
    for (size_t g = 0; g < 4; g += grid_step)
      compare(set, rounding, m, test::kOutputGrids[next++ % std::size(test::kOutputGrids)], accumulators,
              counts);
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  if (test::has_argument(argc, argv, "--quick")) {
    grid_step = 4;
    random_multipliers = 40;
  }
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    for (const Rounding rounding : test::kRoundings) {
      run_case(std::string("by magic, ") + kernel->name + ", " + test::name_of(rounding), [&] {
        const Counts counts = all(*kernel->set, rounding);
        std::printf("  %ld codes, %ld columns by magic\n", counts.codes, counts.by_magic);
        check(counts.bad == 0, std::to_string(counts.bad) + " differences");
        check((counts.by_magic > 0) == (rounding != Rounding::gemmlowp), "which columns go by magic");
      });
    }
  }
  return test::finish();
}
