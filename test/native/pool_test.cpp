// The pool: every chunk runs once whoever comes, tasks run in order, nothing deadlocks, and the process may
// end at any time.
#include "parallel/pool.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "kernels_here.h"

namespace {

using namespace requant;
using parallel::Helpers;
using parallel::Pool;
using parallel::Share;
using parallel::Task;
using test::check;
using test::run_case;

/// Lives to the end of the process, and the leak sanitizer can see it: pools are never destroyed, and a task
/// may still notify when the last one has been counted.
template <class T, class... Arguments>
T& forever(Arguments... arguments) {
  static auto* const all = new std::vector<T*>;
  all->push_back(new T(arguments...));
  return *all->back();
}

Pool& pool_of(size_t threads) { return forever<Pool>(threads); }

Pool& eight() {
  static Pool& pool = pool_of(8);
  return pool;
}

/// Counts how often each chunk runs; plain ints, so that the thread sanitizer sees a chunk run twice.
bool each_once(Pool& pool, size_t chunks, Helpers helpers) {
  std::vector<int> runs(chunks);
  auto body = [&](Share& share) noexcept {
    for (size_t chunk; share.next(chunk);) ++runs[chunk];
  };
  pool.fork(chunks, helpers, body);
  for (const int count : runs) {
    if (count != 1) return false;
  }
  return true;
}

void chunks() {
  for (const size_t threads : {1, 2, 3, 8}) {
    Pool& pool = pool_of(threads);
    check(pool.threads() == threads);
    for (const size_t count : {1, 2, 3, 7, 64, 5000}) {
      for (const size_t helpers : {0, 1, 2, 100}) {
        for (const bool wake : {false, true}) {
          check(each_once(pool, count, {helpers, wake}), std::to_string(threads) + " threads");
        }
      }
    }
  }
}

/// A caller that stops claiming: the rest stays undone, and no helper is left behind.
void unclaimed() {
  for (int round = 0; round < 300; ++round) {
    std::vector<int> runs(100);
    auto body = [&](Share& share) noexcept {
      size_t chunk;
      if (share.next(chunk)) ++runs[chunk];
    };
    eight().fork(runs.size(), {7, true}, body);
    int sum = 0;
    for (const int count : runs) sum += count;
    check(sum >= 1 && sum <= 8, "one chunk for each that came");
  }
}

void many_callers() {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (size_t caller = 0; caller < 24; ++caller) {  // more than there are slots
    callers.emplace_back([&, caller] {
      for (size_t round = 0; round < 60; ++round) {
        if (!each_once(eight(), 1 + (caller * 7 + round) % 40, {caller % 9, round % 3 == 0})) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  check(wrong == 0);
}

void nested() {
  std::atomic<size_t> leaves = 0;
  auto outer = [&](Share& share) noexcept {
    for (size_t chunk; share.next(chunk);) {
      auto middle = [&](Share& inner_share) noexcept {
        for (size_t i; inner_share.next(i);) {
          auto inner = [&](Share& last) noexcept {
            for (size_t k; last.next(k);) ++leaves;
          };
          eight().fork(5, {7, true}, inner);
        }
      };
      eight().fork(9, {7, true}, middle);
    }
  };
  for (int round = 0; round < 20; ++round) eight().fork(11, {7, true}, outer);
  check(leaves == 20 * 11 * 9 * 5, std::to_string(leaves));
}

struct Counted final : Task {
  std::atomic<int>* done = nullptr;
  std::vector<int>* order = nullptr;
  int number = 0;
  Pool* forks_on = nullptr;

  void run() noexcept override {
    if (forks_on != nullptr) check(each_once(*forks_on, 50, {7, true}));
    if (order != nullptr) order->push_back(number);
    std::atomic<int>& counter = *done;  // once it counts, this task may be gone
    counter.fetch_add(1, std::memory_order_release);
    counter.notify_all();
  }
};

void wait_for(std::atomic<int>& done, int count) {
  for (int seen; (seen = done.load(std::memory_order_acquire)) != count;) done.wait(seen);
}

void tasks_in_order() {
  Pool& pool = pool_of(1);
  auto& done = forever<std::atomic<int>>(0);
  std::vector<int> order;
  order.reserve(500);
  std::vector<Counted> tasks(500);
  for (int i = 0; i < 500; ++i) {
    tasks[i].done = &done;
    tasks[i].order = &order;
    tasks[i].number = i;
    check(pool.submit(tasks[i]));
  }
  wait_for(done, 500);
  check(order.size() == 500);
  for (int i = 0; i < 500; ++i) check(order[i] == i, "first come, first served");
}

void tasks_and_forks() {
  auto& done = forever<std::atomic<int>>(0);
  constexpr int kThreads = 6, kEach = 40;
  std::vector<Counted> tasks(kThreads * kEach);
  std::vector<std::thread> callers;
  for (int t = 0; t < kThreads; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        Counted& task = tasks[t * kEach + i];
        task.done = &done;
        task.forks_on = i % 2 == 0 ? &eight() : nullptr;
        check(eight().submit(task));
        check(each_once(eight(), 20, {7, true}));
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  wait_for(done, kThreads * kEach);
}

/// Every round finds the helpers asleep.
void sleepers() {
  Pool& pool = pool_of(3);
  auto& done = forever<std::atomic<int>>(0);
  std::vector<Counted> tasks(20);
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    check(each_once(pool, 30, {2, true}));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    tasks[i].done = &done;
    check(pool.submit(tasks[i]));
    wait_for(done, i + 1);
  }
}

void waking() {
  Pool& pool = pool_of(2);
  check(pool.worth_waking(1, 1e9), "a long call");
  check(!pool.worth_waking(1, 1e3), "a short call after a pause");
}

/// Never ends.
struct Endless final : Task {
  void run() noexcept override {
    auto body = [](Share& share) noexcept {
      for (size_t chunk; share.next(chunk);) std::this_thread::yield();
    };
    for (;;) eight().fork(1000, {7, true}, body);
  }
};

}  // namespace

int main() {
  run_case("pool: each chunk once", chunks);
  run_case("pool: unclaimed chunks", unclaimed);
  run_case("pool: many callers", many_callers);
  run_case("pool: nested forks", nested);
  run_case("pool: tasks in order", tasks_in_order);
  run_case("pool: tasks and forks together", tasks_and_forks);
  run_case("pool: sleepers", sleepers);
  run_case("pool: whom to wake", waking);
  // The process ends while its threads are busy: ctest sees how.
  static auto* const endless = new Endless[2];
  check(eight().submit(endless[0]) && eight().submit(endless[1]));
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return test::finish();
}
