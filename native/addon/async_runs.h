// Runs of plans off the event loop, for one JavaScript environment.
#pragma once

#include <napi.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "addon/spare_memory.h"
#include "parallel/pool.h"
#include "plan/plan.h"

namespace requant::addon {

class AsyncRuns;
struct ResultChannel;

/// One run. Reads a copy of its input, and writes to memory of its own; or reads and writes arrays that lib/
/// shows to no one before the end: nothing JavaScript does to its arrays can hurt.
struct AsyncRun final : parallel::Task {
  void run() noexcept override;
  /// Stops it at the next block of rows, and returns when its thread writes no more.
  void stop() noexcept;

  enum class State : uint8_t { waiting, running, over };

  uint32_t id = 0;
  std::shared_ptr<const plan::Plan> plan;
  Block input;   // no data: the request's input is the array itself
  Block output;  // and so the output
  plan::RunRequest request;
  std::atomic<bool> cancel{false};
  std::atomic<State> state{State::waiting};
  Status status;
  std::shared_ptr<ResultChannel> channel;
  std::shared_ptr<AsyncRun> self;  // while a queue or a thread has it
};

/// Submits runs to the pool and brings their results back to this environment's thread.
/// An environment that ends stops its runs first and waits for those that go on: their outputs are its
/// memory.
class AsyncRuns {
 public:
  explicit AsyncRuns(Napi::Env env);
  ~AsyncRuns();

  /// The result is in `output` when callback(code | undefined, message | undefined) is called; where that has
  /// been transferred meanwhile, nowhere.
  /// `input`: the array that the run reads in place, to be kept; undefined where it has a copy.
  uint32_t submit(Napi::Env env, std::shared_ptr<AsyncRun> run, Napi::Value input, Napi::Value output,
                  Napi::Value callback);
  SpareMemory& spare() noexcept { return spare_; }
  /// The run stops at the next block of rows. Unknown ids (already done) are ignored.
  void cancel(uint32_t id) noexcept;

 private:
  struct Pending {
    std::shared_ptr<AsyncRun> run;
    Napi::ObjectReference input;
    Napi::Reference<Napi::TypedArray> output;
    Napi::FunctionReference callback;
  };

  static void on_result(napi_env env, napi_value callback, void* context, void* data);
  static void on_environment_exit(void* self);
  void deliver(Napi::Env env, const std::shared_ptr<AsyncRun>& run);
  void close() noexcept;

  std::shared_ptr<ResultChannel> channel_;  // shared with the pool's threads; outlives this object
  std::unordered_map<uint32_t, Pending> pending_;
  SpareMemory spare_;
  uint32_t next_id_ = 1;
  napi_env env_;
};

}  // namespace requant::addon
