// The smallest harness that serves: named cases, checks with a source location, one closing line.
#pragma once

#include <cstdio>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>

namespace requant::test {

struct Tally {
  int passed = 0;
  int failed = 0;
  long failures_in_case = 0;
};

inline Tally& tally() {
  static Tally instance;
  return instance;
}

/// Records a failure; prints the first ten of a case only, so that a broken kernel does not print a million
/// lines.
inline bool check(bool ok, std::string_view what = "",
                  std::source_location at = std::source_location::current()) {
  if (ok) return true;
  if (tally().failures_in_case++ < 10) {
    std::fprintf(stderr, "  %s:%u: %.*s\n", at.file_name(), static_cast<unsigned>(at.line()),
                 static_cast<int>(what.size()), what.data());
  }
  return false;
}

inline bool has_argument(int argc, char** argv, std::string_view name) {
  for (int i = 1; i < argc; ++i) {
    if (argv[i] == name) return true;
  }
  return false;
}

inline void run_case(std::string_view name, const std::function<void()>& body) {
  tally().failures_in_case = 0;
  body();
  const bool ok = tally().failures_in_case == 0;
  (ok ? tally().passed : tally().failed)++;
  std::printf("%s %.*s", ok ? "ok  " : "FAIL", static_cast<int>(name.size()), name.data());
  if (!ok) std::printf(" (%ld failures)", tally().failures_in_case);
  std::printf("\n");
  std::fflush(stdout);
}

/// Prints "N passed, N failed"; the exit code of the test program.
inline int finish() {
  std::printf("%d passed, %d failed\n", tally().passed, tally().failed);
  return tally().failed == 0 ? 0 : 1;
}

}  // namespace requant::test
