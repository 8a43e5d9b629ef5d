// Shared buffers: equal contents are one in the process for as long as somebody has them.
#include "base/shared_buffer.h"

#include <atomic>
#include <thread>
#include <vector>

#include "check.h"

namespace {

using namespace requant;
using test::check;
using test::run_case;

SharedBuffer<int32_t> buffer_of(size_t count, int32_t seed) {
  AlignedBuffer<int32_t> values;
  if (!values.allocate(count)) std::abort();
  for (size_t i = 0; i < count; ++i) values[i] = seed + static_cast<int32_t>(i);
  return SharedBuffer<int32_t>(std::move(values));
}

SharedBuffer<int32_t> shared_of(size_t count, int32_t seed) {
  auto buffer = buffer_of(count, seed);
  buffer.share();
  return buffer;
}

bool holds(const SharedBuffer<int32_t>& buffer, size_t count, int32_t seed) {
  bool same = buffer.size() == count;
  for (size_t i = 0; same && i < count; ++i) same = buffer[i] == seed + static_cast<int32_t>(i);
  return same;
}

void equal_contents_are_one() {
  const auto a = shared_of(5000, 1);
  const auto b = shared_of(5000, 1);
  const auto other = shared_of(5000, 2);
  const auto shorter = shared_of(4999, 1);
  check(a.data() == b.data(), "equal contents are one");
  check(a.data() != other.data() && a.data() != shorter.data(), "others are not");
  check(holds(a, 5000, 1) && holds(other, 5000, 2) && holds(shorter, 4999, 1), "contents stay");
  const auto own = buffer_of(5000, 1);
  check(own.data() != a.data() && holds(own, 5000, 1), "what is not shared stays its owner's");
  check(shared_of(8, 1).data() != shared_of(8, 1).data(), "small ones stay their owner's");
  check(SharedBuffer<int32_t>().data() == nullptr && shared_of(0, 0).size() == 0, "empty ones");
}

/// A few words decide where to look, all of them whether contents are equal.
void one_different_value() {
  AlignedBuffer<uint8_t> a, b;
  if (!a.allocate(1 << 20) || !b.allocate(1 << 20)) std::abort();
  b[777'777] = 1;
  SharedBuffer<uint8_t> x(std::move(a)), y(std::move(b));
  x.share();
  y.share();
  check(x.data() != y.data() && x[777'777] == 0 && y[777'777] == 1, "one byte makes a difference");
}

void last_owner_frees() {
  auto a = shared_of(1 << 20, 7);
  auto b = shared_of(1 << 20, 7);
  a = {};
  check(holds(b, 1 << 20, 7), "alive with its second owner");
  b = {};
  const auto again = shared_of(1 << 20, 7);
  check(holds(again, 1 << 20, 7), "made anew after its last owner");
}

void many_threads() {
  std::vector<std::thread> threads;
  std::atomic<bool> right{true};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&right] {
      for (int i = 0; i < 200; ++i) {
        const auto buffer = shared_of(2000, i % 3);
        if (!holds(buffer, 2000, i % 3)) right = false;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  check(right, "threads that share and let go");
}

}  // namespace

int main() {
  run_case("shared buffers: equal contents are one", equal_contents_are_one);
  run_case("shared buffers: one different value", one_different_value);
  run_case("shared buffers: the last owner frees", last_owner_frees);
  run_case("shared buffers: many threads", many_threads);
  return test::finish();
}
