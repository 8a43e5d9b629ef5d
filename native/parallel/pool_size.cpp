#include "parallel/pool_size.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>

namespace requant::parallel {

Result<PoolSize> choose_pool_size(std::string_view forced, unsigned cpus, std::optional<double> quota) {
  if (!forced.empty()) {
    unsigned threads = 0;
    const char* const end = forced.data() + forced.size();
    const auto [last, error] = std::from_chars(forced.data(), end, threads);
    if (error == std::errc{} && last == end && threads >= 1 && threads <= kMaxThreads)
      return PoolSize{threads, SizeSource::variable};
    return Status(Code::argument, "expected REQUANT_THREADS to be an integer in [1, " +
                                      std::to_string(kMaxThreads) + "] but received '" + std::string(forced) +
                                      "'");
  }
  if (quota && *quota < cpus) {
    return PoolSize{static_cast<unsigned>(std::clamp(*quota, 1.0, double{kMaxThreads})), SizeSource::quota};
  }
  return PoolSize{std::clamp(cpus, 1U, kMaxThreads), SizeSource::affinity};
}

const Result<PoolSize>& pool_size() {
  // Never destroyed: threads of the pool may still run when the process ends.
  static const auto* const size = new Result<PoolSize>([] {
    const char* const forced = std::getenv("REQUANT_THREADS");
    return choose_pool_size(forced != nullptr ? forced : "", schedulable_cpus(), read_cpu_quota().cpus);
  }());
  return *size;
}

}  // namespace requant::parallel
