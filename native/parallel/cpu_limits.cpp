#include "parallel/cpu_limits.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace requant::parallel {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

std::string_view next_word(std::string_view& text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kSpaces));
  text.remove_prefix(word.size());
  return word;
}

/// A positive integer; 0 for anything else.
int64_t positive(std::string_view word) noexcept {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc{} && end == word.data() + word.size() && value > 0 ? value : 0;
}

std::optional<double> share(int64_t quota, int64_t period) noexcept {
  if (quota == 0 || period == 0) return std::nullopt;
  return static_cast<double>(quota) / static_cast<double>(period);
}

bool contains_word(std::string_view list, std::string_view word) noexcept {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == word) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

/// Without streams: linked statically, their locales are 200 KB of every prebuilt binary.
std::optional<std::string> read_text(const std::string& path) {
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "r"));
  if (!file) return std::nullopt;
  std::string text;
  char part[512];
  while (const size_t size = std::fread(part, 1, sizeof part, file.get())) text.append(part, size);
  return text;
}

/// Limits of a folder and of those above it, the tightest one; found is whether any had the file.
template <class Read>
CpuQuota tightest(const std::string& hierarchy, std::string folder, CgroupVersion version, Read read) {
  CpuQuota quota;
  for (;;) {
    std::optional<double> cpus;
    if (read(hierarchy + folder, cpus)) {
      quota.cgroup = version;
      if (cpus && (!quota.cpus || *cpus < *quota.cpus)) quota.cpus = cpus;
    }
    const size_t slash = folder.rfind('/');
    if (slash == std::string::npos) return quota;
    folder.resize(slash);
  }
}

bool read_v2(const std::string& folder, std::optional<double>& cpus) {
  const auto text = read_text(folder + "/cpu.max");
  if (text) cpus = parse_cpu_max(*text);
  return text.has_value();
}

bool read_v1(const std::string& folder, std::optional<double>& cpus) {
  const auto quota = read_text(folder + "/cpu.cfs_quota_us");
  const auto period = read_text(folder + "/cpu.cfs_period_us");
  if (quota && period) cpus = parse_cfs(*quota, *period);
  return quota && period;
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) noexcept {
  const int64_t quota = positive(next_word(text));
  return share(quota, positive(next_word(text)));
}

std::optional<double> parse_cfs(std::string_view quota, std::string_view period) noexcept {
  return share(positive(next_word(quota)), positive(next_word(period)));
}

std::string parse_cgroup_folder(std::string_view text, std::string_view controller) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    // hierarchy id : controllers : folder
    const size_t first = line.find(':');
    const size_t second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? !controllers.empty() : !contains_word(controllers, controller)) continue;
    const std::string_view folder = line.substr(second + 1);
    // Above the container's own root is nothing that it can see.
    if (folder == "/" || !folder.starts_with('/') || folder.find("/..") != folder.npos) return "";
    return std::string(folder);
  }
  return "";
}

CpuQuota read_cpu_quota(const std::string& root) {
  const std::string cgroup = read_text(root + "/proc/self/cgroup").value_or("");
  const std::string mount = root + "/sys/fs/cgroup";
  const CpuQuota v2 = tightest(mount, parse_cgroup_folder(cgroup, ""), CgroupVersion::v2, read_v2);
  if (v2.cgroup != CgroupVersion::none) return v2;
  const std::string folder = parse_cgroup_folder(cgroup, "cpu");
  for (const char* hierarchy : {"/cpu", "/cpu,cpuacct", ""}) {
    const CpuQuota v1 = tightest(mount + hierarchy, folder, CgroupVersion::v1, read_v1);
    if (v1.cgroup != CgroupVersion::none) return v1;
  }
  return {};
}

unsigned schedulable_cpus() noexcept {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(std::max(CPU_COUNT(&set), 1));
#endif
  return std::max(std::thread::hardware_concurrency(), 1U);
}

}  // namespace requant::parallel
