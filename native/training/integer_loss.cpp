#include "training/integer_loss.h"

#include <algorithm>
#include <array>
#include <bit>

#include "training/integer_arith.h"

namespace requant::training {
namespace {

constexpr int kLossBits = 20;

size_t first_largest(const int32_t* values, size_t count) noexcept {
  size_t best = 0;
  for (size_t i = 1; i < count; ++i) best = values[i] > values[best] ? i : best;
  return best;
}

// exp(−d) = coarse[d / ¼] · fine[d mod ¼], d in units of 2^-8, as integers of 31 bits: powers of e^-¼ and
// e^-1/256.
constexpr int kUnitBits = 8;
constexpr int kFineBits = 6;
constexpr int32_t kEnd = 16 << kUnitBits;
using PowerTable = std::array<uint32_t, 1 << kFineBits>;

consteval PowerTable powers(uint64_t base) {
  PowerTable table{uint32_t{1} << 31};
  for (size_t i = 1; i < table.size(); ++i)
    table[i] = static_cast<uint32_t>((table[i - 1] * base + (uint64_t{1} << 30)) >> 31);
  return table;
}
constexpr PowerTable kFine = powers(2139111403);    // rne(2^31·e^-1/256)
constexpr PowerTable kCoarse = powers(1672461947);  // rne(2^31·e^-1/4)

constexpr int kProbabilityBits = 15;

/// 2^15·exp(−d / 2^8)
uint32_t power(int32_t d) noexcept {
  if (d >= kEnd) return 0;
  constexpr int kDrop = 62 - kProbabilityBits;
  const uint64_t product = uint64_t{kCoarse[d >> kFineBits]} * kFine[d & ((1 << kFineBits) - 1)];
  return static_cast<uint32_t>((product + (uint64_t{1} << (kDrop - 1))) >> kDrop);
}

/// ln(z / 2^15) in units of 2^-20, rounded down, for z ≥ 2^15: the bits of log2 by repeated squaring.
int64_t log_of_sum(uint32_t z) noexcept {
  constexpr uint64_t kLn2 = 1488522236;  // rne(2^31·ln 2)
  const int32_t whole = std::bit_width(z) - 1;
  uint64_t mantissa = uint64_t{z} << (31 - whole);  // [1, 2) in units of 2^-31
  uint64_t bits = static_cast<uint64_t>(whole - kProbabilityBits);
  for (int i = 0; i < kLossBits; ++i) {
    mantissa = mantissa * mantissa >> 31;
    const uint64_t bit = mantissa >> 32;
    mantissa >>= bit;
    bits = bits << 1 | bit;
  }
  return static_cast<int64_t>(bits * kLn2 >> 31);
}

/// (max − acc)·2^exponent in units of 2^-8, at most 2^18.
int32_t distance(int32_t most, int32_t acc, int32_t exponent) noexcept {
  constexpr int64_t kMost = int64_t{1} << (10 + kUnitBits);
  const int64_t d = int64_t{most} - acc;
  const int32_t shift = exponent + kUnitBits;
  const int64_t scaled = shift >= 0 ? std::min(d, kMost) << std::min(shift, 18) : d >> std::min(-shift, 40);
  return static_cast<int32_t>(std::min(scaled, kMost));
}

}  // namespace

LossResult square_error(MatrixView<int32_t> logits, const int32_t* targets, int32_t one) noexcept {
  constexpr int32_t kUnit = kLossBits / 2;
  constexpr int64_t kMost = int64_t{32} << kUnit;
  LossResult result;
  for (size_t r = 0; r < logits.rows; ++r) {
    int32_t* row = logits.row(r);
    const auto target = static_cast<size_t>(targets[r]);
    result.correct += first_largest(row, logits.cols) == target;
    row[target] -= int32_t{1} << one;
    int64_t squares = 0;
    for (size_t c = 0; c < logits.cols; ++c) {
      const int64_t e = scale_by_power(row[c], kUnit - one, static_cast<int32_t>(kMost));
      squares += e * e;
    }
    result.loss += squares >> 1;
  }
  return result;
}

LossResult cross_entropy(MatrixView<int32_t> logits, const int32_t* targets, int32_t exponent) noexcept {
  LossResult result;
  for (size_t r = 0; r < logits.rows; ++r) {
    int32_t* row = logits.row(r);
    const auto target = static_cast<size_t>(targets[r]);
    const size_t best = first_largest(row, logits.cols);
    result.correct += best == target;
    const int32_t most = row[best];
    const int32_t target_distance = distance(most, row[target], exponent);
    uint32_t z = 0;
    for (size_t c = 0; c < logits.cols; ++c) {
      const uint32_t p = power(distance(most, row[c], exponent));
      row[c] = static_cast<int32_t>(p);
      z += p;
    }
    for (size_t c = 0; c < logits.cols; ++c)
      row[c] = static_cast<int32_t>((static_cast<uint64_t>(row[c]) << -kSoftmaxExponent) / z);
    row[target] -= 1 << -kSoftmaxExponent;
    result.loss += (int64_t{target_distance} << (kLossBits - kUnitBits)) + log_of_sum(z);
  }
  return result;
}

}  // namespace requant::training
