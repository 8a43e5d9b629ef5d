// Memory that runs out at any point of building and running plans: a status with the memory code or
// std::bad_alloc (which the addon reports as ERR_MEMORY), nothing kept, nothing aborted, and the next call
// works.
#include <set>
#include <thread>

#include "base/shared_buffer.h"
#include "check.h"
#include "failing_memory.h"
#include "fuzz/program.h"
#include "kernels_here.h"
#include "parallel/pool.h"

namespace {

using namespace requant;
using test::check;
using test::MemoryFor;

constexpr size_t kThreads = 2;
constexpr size_t kRows = 17;

parallel::Pool& pool() {
  static auto* const pool = new parallel::Pool(kThreads);
  return *pool;
}

/// Blocks that are allocated. Sharing first drops its notes of weights that are gone, as every packing does,
/// so that all that is left of it is the note of this.
int64_t live_blocks() {
  AlignedBuffer<int8_t> some;
  check(some.allocate(8192), "memory");
  SharedBuffer<int8_t>(std::move(some)).share();
  return test::live_blocks.load();
}

/// True where `action` did not fail for want of memory.
template <class Action>
bool has_memory(const Action& action) {
  try {
    const Status status = action();
    if (!status.ok()) check(status.code() == Code::memory, status.message());
    return status.ok();
  } catch (const std::bad_alloc&) {
    return false;
  }
}

/// Programs of random bytes that a builder takes.
std::vector<fuzz::Program> programs(size_t count, const dispatch::Kernel& kernel) {
  std::vector<fuzz::Program> all;
  for (uint64_t seed = 1; all.size() < count; ++seed) {
    std::vector<uint8_t> data(1200);
    test::Random(seed).fill_bytes(data.data(), data.size());
    fuzz::Bytes bytes(data.data(), data.size());
    fuzz::Program program = fuzz::decode_program(bytes);
    if (fuzz::build(program, kernel, {}).ok()) all.push_back(std::move(program));
  }
  return all;
}

Status run(const plan::Plan& plan, const std::vector<float>& x, std::vector<float>& y) {
  plan::RunRequest request;
  request.input = x.data();
  request.input_size = x.size();
  request.output = y.data();
  request.output_size = y.size();
  request.nan_is_zero = true;
  return plan.run(request);
}

size_t features(const plan::Plan& plan, plan::ValueId id) { return plan.values()[id].features; }

/// Every allocation of building fails once; then one after the other of the first run.
void plan_without_memory(const fuzz::Program& program, const dispatch::Kernel& kernel) {
  const plan::PlanOptions options{program.observable, &pool(), kThreads};
  const int64_t before = live_blocks();
  int64_t enough = 0;
  for (bool built = false; !built; ++enough) {
    {
      const MemoryFor memory(enough);
      built = has_memory([&] { return fuzz::build(program, kernel, options).status; });
      check(built != memory.ran_out(), "a build without memory fails, and no other");
    }
    check(live_blocks() == before, "a build keeps nothing, whether it fails or not");
  }
  check(enough > 1, "building allocates");

  for (int64_t count = 0;; ++count) {
    const auto plan = fuzz::build(program, kernel, options).value;
    const std::vector<float> x(kRows * features(*plan, plan->input().value), 0.5F);
    std::vector<float> y(kRows * features(*plan, plan->output().value)), again = y;
    bool ran_out = false;
    {
      const MemoryFor memory(count);
      const bool ok = has_memory([&] { return run(*plan, x, y); });
      ran_out = memory.ran_out();
      // A helper that has no memory for its arena, or none to keep it, leaves the work to others.
      check(ok || ran_out, "a run with memory succeeds");
    }
    check(run(*plan, x, again).ok(), "the next run has memory");
    if (!ran_out) {
      check(test::same_float(y.data(), again.data(), y.size()), "the same result");
      break;
    }
  }
  check(live_blocks() == before, "nothing is kept");
}

void plans(size_t count) {
  std::set<fuzz::Op> seen;
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    for (const fuzz::Program& program : programs(count, *kernel)) {
      for (const fuzz::StageData& stage : program.stages) seen.insert(stage.op);
      plan_without_memory(program, *kernel);
    }
  }
  check(seen.size() == static_cast<size_t>(fuzz::Op::last) + 1, "every kind of stage is there");
}

/// Threads that cannot be started: the caller does the work, and a task is refused.
void threads() {
  struct Nothing final : parallel::Task {
    void run() noexcept override { done.store(true); }
    std::atomic<bool> done{false};
  };
  for (int64_t count = 0; count < 8; ++count) {
    auto* const poor = new parallel::Pool(3);  // pools live for ever
    Nothing task;
    bool accepted;
    {
      const MemoryFor memory(count);
      std::atomic<size_t> chunks{0};
      auto body = [&](parallel::Share& share) noexcept {
        for (size_t chunk; share.next(chunk);) chunks.fetch_add(1);
      };
      poor->fork(64, {2, true}, body);
      check(chunks.load() == 64, "all chunks are done");
      accepted = poor->submit(task);
    }
    check(accepted || count < 3, "a pool with a thread takes a task");
    while (accepted && !task.done.load()) std::this_thread::yield();
    static auto* const kept = new std::vector<parallel::Pool*>;  // reachable: no leak
    kept->push_back(poor);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const size_t count = test::has_argument(argc, argv, "--quick") ? 40 : 120;
  test::kernels_here();
  live_blocks();  // what sharing itself needs
  auto nothing = [](parallel::Share&) noexcept {};
  pool().fork(2, {kThreads - 1, true}, nothing);  // its thread is there before blocks are counted
  test::run_case("memory runs out: plans", [&] { plans(count); });
  test::run_case("memory runs out: threads", threads);
  return test::finish();
}
