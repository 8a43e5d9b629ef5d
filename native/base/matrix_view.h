// A row-major matrix somebody else owns.
#pragma once

#include <cstddef>

namespace requant {

template <class T>
struct MatrixView {
  T* data = nullptr;
  size_t rows = 0;
  size_t cols = 0;
  size_t stride = 0;  // elements from one row to the next

  T* row(size_t r) const noexcept { return data + r * stride; }
  T& at(size_t r, size_t c) const noexcept { return data[r * stride + c]; }
};

}  // namespace requant
