#include "training/rows.h"

#include <algorithm>

namespace requant::training {
namespace {

template <class T>
void gather(const T* source, size_t features, std::span<const uint32_t> rows, float* out) noexcept {
  for (const uint32_t row : rows) {
    std::copy_n(source + row * features, features, out);
    out += features;
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
