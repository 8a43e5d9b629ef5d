// How calls are cut: blocks cover the rows once, fit the arena, and are as even as tiles allow.
#include "plan/schedule.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "check.h"

namespace {

using namespace requant;
using namespace requant::plan;
using test::check;
using test::run_case;

/// A stage of which only the cost counts.
class Priced final : public Stage {
 public:
  Priced(size_t k, size_t n) : Stage({0}, 1), product_{gemm::product_cost({16, 4, 4}, k, n), (n + 63) / 64} {}
  void run(const Block&) const noexcept override {}
  Product product() const noexcept override { return product_; }

 private:
  Product product_;
};

Scheduler scheduler(std::vector<size_t> widths, size_t block_rows) {
  std::vector<Value> values;
  std::vector<std::unique_ptr<Stage>> stages;
  for (const size_t width : widths) values.push_back({"", width, ValueType::u8});
  for (size_t i = 1; i < widths.size(); ++i)
    stages.push_back(std::make_unique<Priced>(widths[i - 1], widths[i]));
  return Scheduler(values, stages, block_rows);
}

void covers(const Schedule& s, size_t block_rows) {
  check(s.first_row(0) == 0 && s.first_row(s.blocks) == s.rows, "all rows");
  size_t least = SIZE_MAX, most = 0;
  for (size_t b = 0; b < s.blocks; ++b) {
    const size_t rows = s.first_row(b + 1) - s.first_row(b);
    least = std::min(least, rows);
    most = std::max(most, rows);
  }
  check(least >= 1 && most <= block_rows, "blocks that fit");
  check(most - least < 2 * kTileRows, "even blocks");
  if (s.threads > 1 && !s.by_columns) check(s.blocks % s.threads == 0, "as many blocks for each thread");
}

void blocks() {
  for (const size_t block_rows : {6, 24, 96}) {
    const Scheduler narrow = scheduler({64, 64, 64, 1}, block_rows);
    const Scheduler wide = scheduler({1024, 1024, 1024, 1024}, block_rows);
    for (size_t rows = 1; rows < 700; ++rows) {
      for (const size_t threads : {1, 2, 3, 8}) {
        for (const Scheduler* s : {&narrow, &wide}) covers(s->decide(rows, threads), block_rows);
      }
    }
    for (const size_t rows : {10000, 1000003}) covers(wide.decide(rows, 7), block_rows);
  }
}

void choices() {
  const Scheduler tiny = scheduler({64, 64, 64, 1}, 96);
  const Scheduler wide = scheduler({1024, 1024, 1024, 1024}, 96);
  check(tiny.decide(1, 8).threads == 1, "not worth sharing");
  check(wide.decide(1, 1).threads == 1, "one thread allowed");
  check(wide.decide(1, 2).by_columns, "one row: columns");
  check(wide.decide(4, 4).by_columns, "few rows: columns");
  const Schedule many = wide.decide(1024, 2);
  check(many.threads == 2 && !many.by_columns && many.blocks >= 8, "many rows: rows");
  const Schedule narrow = scheduler({4096, 10}, 96).decide(32, 2);
  check(narrow.threads == 2 && !narrow.by_columns, "one panel cannot be shared, rows can");
}

}  // namespace

int main() {
  run_case("schedule: blocks", blocks);
  run_case("schedule: choices", choices);
  return test::finish();
}
