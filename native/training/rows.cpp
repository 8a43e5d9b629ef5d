#include "training/rows.h"

#include <algorithm>

namespace requant::training {
namespace {

/// Rows lie anywhere in a data set that is larger than the caches: the processor is told of the one after the
/// next.
template <class T>
void prefetch(const T* row, size_t features) noexcept {
  constexpr size_t kLine = 64 / sizeof(T);
  for (size_t i = 0; i < features; i += kLine) __builtin_prefetch(row + i);
}

template <class T>
void gather(const T* source, size_t features, std::span<const uint32_t> rows, float* out) noexcept {
  constexpr size_t kAhead = 2;
  for (size_t i = 0; i < rows.size(); ++i, out += features) {
    if (i + kAhead < rows.size()) prefetch(source + rows[i + kAhead] * features, features);
    std::copy_n(source + rows[i] * features, features, out);
  }
}

}  // namespace

void gather_rows(const float* source, size_t features, std::span<const uint32_t> rows, float* out) noexcept {
  gather(source, features, rows, out);
}

void gather_rows(const uint8_t* source, size_t features, std::span<const uint32_t> rows,
                 float* out) noexcept {
  gather(source, features, rows, out);
}

void column_sums(std::span<const float> matrix, std::span<float> out) noexcept {
  const size_t columns = out.size();
  float* __restrict const sums = out.data();
  std::fill(out.begin(), out.end(), 0.0F);
  for (const float* row = matrix.data(); row != matrix.data() + matrix.size(); row += columns) {
    for (size_t c = 0; c < columns; ++c) sums[c] = sums[c] + row[c];
  }
}

}  // namespace requant::training
