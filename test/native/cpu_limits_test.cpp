// The CPU quota of a container, from texts and from trees of files, and the size of the pool that follows.
#include "parallel/cpu_limits.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "check.h"
#include "parallel/pool_size.h"

namespace {

using namespace requant;
using namespace requant::parallel;
using test::check;
using test::run_case;

void texts() {
  check(parse_cpu_max("150000 100000\n") == 1.5);
  check(parse_cpu_max("50000 100000") == 0.5);
  for (const char* none : {"max 100000\n", "max\n", "", "\n", "100000", "x y", "-1 100000", "0 100000",
                           "100000 0", "1e5 100000", "99999999999999999999 1"}) {
    check(!parse_cpu_max(none), none);
  }
  check(parse_cfs("250000\n", "100000\n") == 2.5);
  check(!parse_cfs("-1\n", "100000\n"));
  check(!parse_cfs("", ""));
}

void folders() {
  const char* const v2 = "0::/user.slice/a.scope\n";
  check(parse_cgroup_folder(v2, "") == "/user.slice/a.scope");
  check(parse_cgroup_folder(v2, "cpu").empty());
  const char* const v1 = "9:cpuset:/a\n3:cpu,cpuacct:/docker/42\n1:name=systemd:/b\n0::/c";
  check(parse_cgroup_folder(v1, "cpu") == "/docker/42");
  check(parse_cgroup_folder(v1, "cpuacct") == "/docker/42");
  check(parse_cgroup_folder(v1, "") == "/c");
  check(parse_cgroup_folder("0::/\n", "").empty(), "the root");
  check(parse_cgroup_folder("0::/../outside\n", "").empty(), "outside of what the container sees");
  for (const char* odd : {"", ":", "::", "0:", "0::", "abc\n\n"}) check(parse_cgroup_folder(odd, "").empty());
}

/// A root of files that disappears with it.
class Root {
 public:
  Root() {
    std::string name = (std::filesystem::temp_directory_path() / "requant-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Root() { std::filesystem::remove_all(path_); }

  Root& file(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path_ + name).parent_path());
    std::ofstream(path_ + name) << text;
    return *this;
  }
  void quota(CgroupVersion version, std::optional<double> cpus, const char* what) const {
    const CpuQuota found = read_cpu_quota(path_);
    check(found.cgroup == version && found.cpus == cpus, what);
  }

 private:
  std::string path_;
};

void trees() {
  Root().quota(CgroupVersion::none, {}, "no cgroup");
  Root()
      .file("/proc/self/cgroup", "0::/\n")
      .file("/sys/fs/cgroup/cpu.max", "150000 100000\n")
      .quota(CgroupVersion::v2, 1.5, "v2, a container's own root");
  Root()
      .file("/proc/self/cgroup", "0::/host/path\n")
      .file("/sys/fs/cgroup/cpu.max", "max 100000\n")
      .quota(CgroupVersion::v2, {}, "v2, the host's path, which is not there");
  Root()
      .file("/proc/self/cgroup", "0::/a/b/c\n")
      .file("/sys/fs/cgroup/a/cpu.max", "200000 100000\n")
      .file("/sys/fs/cgroup/a/b/cpu.max", "300000 100000\n")
      .file("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n")
      .quota(CgroupVersion::v2, 2.0, "v2, the tightest on the way up");
  Root()
      .file("/proc/self/cgroup", "3:cpu,cpuacct:/docker/42\n0::/\n")
      .file("/sys/fs/cgroup/cpu,cpuacct/docker/42/cpu.cfs_quota_us", "70000\n")
      .file("/sys/fs/cgroup/cpu,cpuacct/docker/42/cpu.cfs_period_us", "100000\n")
      .quota(CgroupVersion::v1, 0.7, "v1");
  Root()
      .file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
      .file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
      .quota(CgroupVersion::v1, {}, "v1 without a limit");
}

void size(const char* forced, unsigned cpus, std::optional<double> quota, unsigned threads,
          SizeSource source) {
  const auto chosen = choose_pool_size(forced, cpus, quota);
  check(chosen.ok() && chosen.value.threads == threads && chosen.value.source == source,
        std::string(forced) + " → " + std::to_string(chosen.value.threads));
}

void sizes() {
  size("", 8, {}, 8, SizeSource::affinity);
  size("", 8, 8.0, 8, SizeSource::affinity);
  size("", 8, 64.0, 8, SizeSource::affinity);
  size("", 8, 2.9, 2, SizeSource::quota);
  size("", 8, 0.3, 1, SizeSource::quota);
  size("", 5000, {}, kMaxThreads, SizeSource::affinity);
  size("3", 8, 2.0, 3, SizeSource::variable);
  size("1024", 1, {}, 1024, SizeSource::variable);
  for (const char* wrong : {"0", "-1", "1025", "1.5", "two", " 2", "2 ", "+2", "99999999999999999999"}) {
    const auto chosen = choose_pool_size(wrong, 8, {});
    check(chosen.status.code() == Code::argument, wrong);
    check(chosen.status.message().find("'" + std::string(wrong) + "'") != std::string::npos, wrong);
  }
}

}  // namespace

int main() {
  run_case("cpu limits: texts", texts);
  run_case("cpu limits: folders", folders);
  run_case("cpu limits: trees", trees);
  run_case("cpu limits: pool sizes", sizes);
  check(schedulable_cpus() >= 1);
  return test::finish();
}
