#include "training/integer_operand.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace requant::training {
namespace {

/// Columns that are interleaved at a time; every layout's panels hold a multiple of it.
constexpr size_t kColumns = 16;

/// out[c · Group + j] = rows[j][c] ^ flip
template <size_t Group>
void interleave(const uint8_t* const* rows, uint8_t flip, uint8_t* __restrict out) noexcept {
  for (size_t c = 0; c < kColumns; ++c) {
    for (size_t j = 0; j < Group; ++j) out[c * Group + j] = rows[j][c] ^ flip;
  }
}

/// The loops above unrolled for the groups that kernels use.
void interleave(size_t group, const uint8_t* const* rows, uint8_t flip, uint8_t* out) noexcept {
  switch (group) {
    case 1:
      return interleave<1>(rows, flip, out);
    case 2:
      return interleave<2>(rows, flip, out);
    case 4:
      return interleave<4>(rows, flip, out);
    default:
      return interleave<8>(rows, flip, out);
  }
}

/// The bytes of an 8 × 8 block, a row a word, lowest byte first: swaps blocks of 4, 2 and 1 bytes across the
/// diagonal.
void transpose_words(uint64_t (&w)[8]) noexcept {
  const auto swap = [](uint64_t& upper, uint64_t& lower, int bits, uint64_t mask) {
    const uint64_t t = ((upper >> bits) ^ lower) & mask;
    upper ^= t << bits;
    lower ^= t;
  };
  for (size_t i = 0; i < 4; ++i) swap(w[i], w[i + 4], 32, 0x00000000FFFFFFFF);
  for (size_t i : {0, 1, 4, 5}) swap(w[i], w[i + 2], 16, 0x0000FFFF0000FFFF);
  for (size_t i = 0; i < 8; i += 2) swap(w[i], w[i + 1], 8, 0x00FF00FF00FF00FF);
}

}  // namespace

bool IntegerOperand::allocate(const kernels::WeightLayout& layout, size_t columns, size_t most_k) noexcept {
  layout_ = &layout.wide;
  k_ = most_k;
  return data_.allocate(padded(columns) * layout_->depth(most_k));
}

int8_t* IntegerOperand::place(size_t index, size_t c, size_t k) noexcept {
  const size_t width = layout_->columns();
  int8_t* const panel = data_.data() + index * group_bytes() + c / width * width * layout_->depth(k_);
  return panel + width * (layout_->head + k) + c % width * layout_->k_group;
}

void IntegerOperand::pack_rows(size_t index, size_t first_k, MatrixView<const uint8_t> rows,
                               uint8_t flip) noexcept {
  constexpr size_t kMostGroup = 8;
  alignas(64) uint8_t zeros[kColumns];  // once flipped
  std::memset(zeros, flip, sizeof zeros);
  const size_t group = layout_->k_group;
  for (size_t k = 0; k < rows.rows; k += group) {
    for (size_t c = 0; c < kBlock; c += kColumns) {
      const uint8_t* of_group[kMostGroup];
      for (size_t j = 0; j < group; ++j) of_group[j] = k + j < rows.rows ? rows.row(k + j) + c : zeros;
      interleave(group, of_group, flip, reinterpret_cast<uint8_t*>(place(index, c, first_k + k)));
    }
  }
}

void IntegerOperand::pack_columns(size_t index, size_t first_k, size_t count,
                                  MatrixView<const int8_t> columns) noexcept {
  // Written in order: the destination is far, the source in the first cache.
  const auto copy = [&]<size_t Group>() noexcept {
    const size_t width = layout_->columns();
    for (size_t c = 0; c < kBlock; c += width) {
      int8_t* to = place(index, c, first_k);
      for (size_t k = 0; k < count; k += Group) {
        for (size_t i = 0; i < width; ++i, to += Group) std::memcpy(to, columns.row(c + i) + k, Group);
      }
    }
  };
  switch (layout_->k_group) {
    case 1:
      return copy.operator()<1>();
    case 2:
      return copy.operator()<2>();
    case 4:
      return copy.operator()<4>();
    default:
      return copy.operator()<8>();
  }
}

void IntegerOperand::write_head(size_t index, const int32_t* sums) noexcept {
  if (!has_head()) return;
  const size_t width = layout_->columns();
  for (size_t c = 0; c < kBlock; ++c) {
    int8_t* const panel = data_.data() + index * group_bytes() + c / width * width * layout_->depth(k_);
    const uint32_t head = static_cast<uint32_t>(sums[c]) * 128;
    std::memcpy(panel + c % width * sizeof head, &head, sizeof head);
  }
}

void add_column_sums(MatrixView<const uint8_t> rows, uint8_t flip, int32_t* sums) noexcept {
  int16_t part[kBlock] = {};  // 64 · 128 fits
  for (size_t r = 0; r < rows.rows; ++r) {
    const uint8_t* row = rows.row(r);
    for (size_t c = 0; c < kBlock; ++c)
      part[c] = static_cast<int16_t>(part[c] + static_cast<int8_t>(row[c] ^ flip));
  }
  for (size_t c = 0; c < kBlock; ++c) sums[c] += part[c];
}

void transpose_block(const uint8_t* from, size_t from_stride, uint8_t* to, size_t to_stride) noexcept {
  static_assert(std::endian::native == std::endian::little);
  for (size_t r = 0; r < kBlock; r += 8) {
    for (size_t c = 0; c < kBlock; c += 8) {
      uint64_t words[8];
      for (size_t i = 0; i < 8; ++i) std::memcpy(&words[i], from + (r + i) * from_stride + c, 8);
      transpose_words(words);
      for (size_t i = 0; i < 8; ++i) std::memcpy(to + (c + i) * to_stride + r, &words[i], 8);
    }
  }
}

}  // namespace requant::training
