// Networks that learn with integers: the same parameters after some steps for every kernel and number of
// threads, pinned. The arithmetic itself answers to test/support/integer-reference.ts.
#include <cstdio>

#include "integer_models.h"
#include "kernels_here.h"
#include "parallel/pool.h"

namespace {

using namespace requant;
using test::check;
using test::IntegerTask;
using training::IntegerRecipe;

uint64_t hash_of(const std::vector<int32_t>& values) {
  uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const int32_t v : values) {
    for (int shift = 0; shift < 32; shift += 8)
      hash = (hash ^ (static_cast<uint32_t>(v) >> shift & 0xFF)) * 0x100000001b3U;
  }
  return hash;
}

struct Case {
  const char* name;
  std::vector<size_t> widths;
  IntegerRecipe recipe;
  bool raised;
  size_t rows;
  uint64_t pinned;
};

const Case kCases[] = {
    {"block", {70, 130, 33, 10}, IntegerRecipe::block, false, 37, 0x67ce82cc3b814ed7U},
    {"block, raised", {61, 64, 5}, IntegerRecipe::block, true, 64, 0x6c994a49abcaa935U},
    {"block, one row", {3, 1, 2}, IntegerRecipe::block, false, 1, 0x092e24936d3e2759U},
    {"block, 200 rows", {129, 200, 65}, IntegerRecipe::block, true, 200, 0xf001a04a065fc28cU},
    {"wage", {70, 130, 33, 10}, IntegerRecipe::wage, true, 37, 0xe1cf2a9875ea4858U},
};

uint64_t trained(const dispatch::Kernel& kernel, parallel::Pool* pool, const Case& c) {
  const IntegerTask task(*kernel.set, pool, c.widths, c.recipe, c.raised, c.rows);
  for (uint32_t i = 0; i < 6; ++i) {
    // The last batch of an epoch is smaller; a very small rate asks for the upper random words.
    const size_t rows = i == 4 ? (c.rows + 1) / 2 : c.rows;
    task.step(test::some_rows(i * 31, rows), i == 5 ? -25 : -1, i);
  }
  return hash_of(task.parameters());
}

}  // namespace

int main() {
  static parallel::Pool& two = *new parallel::Pool(2);
  static parallel::Pool& three = *new parallel::Pool(3);
  for (const Case& c : kCases) {
    test::run_case(c.name, [&] {
      for (const dispatch::Kernel* kernel : test::kernels_here()) {
        for (parallel::Pool* pool : {static_cast<parallel::Pool*>(nullptr), &two, &three}) {
          const uint64_t hash = trained(*kernel, pool, c);
          char text[80];
          std::snprintf(text, sizeof text, "%s: 0x%016llx", kernel->name,
                        static_cast<unsigned long long>(hash));
          check(hash == c.pinned, text);
        }
      }
    });
  }
  return test::finish();
}
