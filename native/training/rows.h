// Rows of a batch: copied together from a data set, and summed up.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace requant::training {

/// out[i] = source[rows[i]], `features` values each. Every row lies within the source.
template <class T>
void gather_rows(const T* source, size_t features, std::span<const uint32_t> rows, float* out) noexcept {
  for (const uint32_t row : rows) {
    std::copy_n(source + row * features, features, out);
    out += features;
  }
}

/// out[c] = Σ matrix[r, c], rows ascending from 0.
inline void column_sums(std::span<const float> matrix, std::span<float> out) noexcept {
  const size_t columns = out.size();
  std::fill(out.begin(), out.end(), 0.0F);
  for (const float* row = matrix.data(); row != matrix.data() + matrix.size(); row += columns) {
    for (size_t c = 0; c < columns; ++c) out[c] = out[c] + row[c];
  }
}

}  // namespace requant::training
