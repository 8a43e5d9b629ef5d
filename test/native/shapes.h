// Shapes M × N × K at which kernels go wrong: every small one, and the edges of tiles, panels and chunks.
#pragma once

#include <cstddef>
#include <vector>

namespace requant::test {

struct Shape {
  size_t m, n, k;
};

/// 1…40; quick: the sizes around tiles and vectors.
inline std::vector<size_t> cube_dimensions(bool quick) {
  if (quick) return {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 31, 32, 33, 40};
  std::vector<size_t> all;
  for (size_t d = 1; d <= 40; ++d) all.push_back(d);
  return all;
}

template <class Visit>
void for_each_cube_shape(bool quick, Visit visit) {
  const std::vector<size_t> dimensions = cube_dimensions(quick);
  for (const size_t m : dimensions) {
    for (const size_t n : dimensions) {
      for (const size_t k : dimensions) visit(Shape{m, n, k});
    }
  }
}

/// Powers of two ± 1 in one dimension with the others small; K = 32767; one row, one column; common layers.
inline std::vector<Shape> edge_shapes() {
  std::vector<Shape> all = {{7, 123, 77},   {33, 1000, 10}, {33, 10, 1000}, {100, 100, 100}, {1, 784, 512},
                            {1, 512, 784},  {1, 1, 32767},  {3, 17, 32767}, {7, 65, 32767},  {1, 1, 1},
                            {1, 1000, 1},   {1000, 1, 1},   {97, 65, 31},   {200, 1, 64},    {1, 130, 200},
                            {12, 64, 256},  {13, 16, 257},  {6, 128, 255},  {2, 48, 513},    {193, 20, 9},
                            {37, 140, 530}, {43, 259, 300}};
  for (size_t power = 2; power <= 512; power *= 2) {
    for (size_t d = power - 1; d <= power + 1; ++d) {
      all.insert(all.end(), {{d, 5, 3},
                             {5, d, 3},
                             {3, 5, d},
                             {d, 1, 9},
                             {1, d, 9},
                             {1, 9, d},
                             {7, 33, d},
                             {2, d, 19},
                             {d, 17, 6}});
    }
  }
  return all;
}

}  // namespace requant::test
