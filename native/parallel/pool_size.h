// How many threads the process's pool has, and why.
#pragma once

#include <optional>
#include <string_view>

#include "base/status.h"
#include "parallel/cpu_limits.h"

namespace requant::parallel {

inline constexpr unsigned kMaxThreads = 1024;

enum class SizeSource : uint8_t { affinity, quota, variable };

struct PoolSize {
  unsigned threads = 1;
  SizeSource source = SizeSource::affinity;
};

/// `forced` is the text of REQUANT_THREADS (empty: not set), else the schedulable CPUs or the quota,
/// whichever is less. A quota is rounded down: with a thread too many the whole process stands still for the
/// rest of every period. Code::argument where `forced` is not an integer in 1…kMaxThreads.
Result<PoolSize> choose_pool_size(std::string_view forced, unsigned cpus, std::optional<double> quota);

/// The decision for this process, made at the first call.
const Result<PoolSize>& pool_size();

}  // namespace requant::parallel
