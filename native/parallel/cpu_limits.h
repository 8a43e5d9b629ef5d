// How much CPU the process may use: the threads it may be scheduled on, and its container's quota.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace requant::parallel {

enum class CgroupVersion : uint8_t { none, v1, v2 };

struct CpuQuota {
  CgroupVersion cgroup = CgroupVersion::none;  // whose files were found
  std::optional<double> cpus;                  // CPUs' worth of time; nothing: no limit
};

/// The text of cgroup v2's cpu.max: "QUOTA PERIOD", or "max PERIOD" for no limit.
std::optional<double> parse_cpu_max(std::string_view text) noexcept;
/// The texts of cgroup v1's cpu.cfs_quota_us (−1: no limit) and cpu.cfs_period_us.
std::optional<double> parse_cfs(std::string_view quota, std::string_view period) noexcept;
/// The process's folder below the hierarchy that `controller` belongs to ("" is v2), from /proc/self/cgroup.
std::string parse_cgroup_folder(std::string_view proc_self_cgroup, std::string_view controller);

/// The tightest limit from the process's cgroup up to the root of what it sees; v2, else v1. `root` stands
/// before /proc and /sys (tests).
CpuQuota read_cpu_quota(const std::string& root = "");

/// CPUs the process may be scheduled on.
unsigned schedulable_cpus() noexcept;

}  // namespace requant::parallel
