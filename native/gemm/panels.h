#pragma once

#include <cstddef>

namespace requant::gemm {

/// A stretch of column panels, or of groups of them.
struct Panels {
  size_t first, end;
};

}  // namespace requant::gemm
