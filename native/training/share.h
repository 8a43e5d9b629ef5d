// Elementwise work over long arrays, shared by the pool's threads.
#pragma once

#include <algorithm>
#include <cstddef>

#include "parallel/pool.h"

namespace requant::training {

/// run(first, count) for stretches of `count` elements: whoever takes one, each element is computed alone. An
/// element takes about a nanosecond; short arrays are not worth a fork.
template <class Run>
void share_elements(parallel::Pool& pool, size_t count, Run run) noexcept {
  constexpr size_t kChunk = size_t{1} << 15;
  const size_t chunks = (count + kChunk - 1) / kChunk;
  const size_t helpers = std::min(chunks, pool.threads()) - (chunks == 0 ? 0 : 1);
  if (helpers == 0) return run(size_t{0}, count);
  auto body = [&](parallel::Share& share) noexcept {
    for (size_t i; share.next(i);) run(i * kChunk, std::min(kChunk, count - i * kChunk));
  };
  pool.fork(chunks, {helpers, pool.worth_waking(helpers, static_cast<double>(count))}, body);
}

}  // namespace requant::training
