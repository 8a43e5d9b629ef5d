// Runs of plans off the event loop, for one JavaScript environment.
#pragma once

#include <napi.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/aligned_buffer.h"
#include "parallel/pool.h"
#include "plan/plan.h"

namespace requant::addon {

class AsyncRuns;
struct ResultChannel;

/// One run. Owns copies of its input and its output, so that nothing JavaScript does to its arrays can hurt.
struct AsyncRun final : parallel::Task {
  void run() noexcept override;

  uint32_t id = 0;
  std::shared_ptr<const plan::Plan> plan;
  AlignedBuffer<std::byte> input;
  AlignedBuffer<std::byte> output;
  plan::RunRequest request;
  std::atomic<bool> cancel{false};
  Status status;
  std::shared_ptr<ResultChannel> channel;
  std::shared_ptr<AsyncRun> self;  // while a queue or a thread has it
};

/// Submits runs to the pool and brings their results back to this environment's thread.
/// A run that ends after the environment is gone is dropped: no JavaScript handle is touched from elsewhere.
class AsyncRuns {
 public:
  explicit AsyncRuns(Napi::Env env);
  ~AsyncRuns();

  /// callback(code | undefined, message | undefined, ArrayBuffer of the output)
  uint32_t submit(Napi::Env env, std::shared_ptr<AsyncRun> run, Napi::Function callback);
  /// The run stops at the next block of rows. Unknown ids (already done) are ignored.
  void cancel(uint32_t id) noexcept;

 private:
  struct Pending {
    std::shared_ptr<AsyncRun> run;
    Napi::FunctionReference callback;
  };

  static void on_result(napi_env env, napi_value callback, void* context, void* data);
  static void on_environment_exit(void* self);
  void deliver(Napi::Env env, const std::shared_ptr<AsyncRun>& run);
  void close() noexcept;

  std::shared_ptr<ResultChannel> channel_;  // shared with the pool's threads; outlives this object
  std::unordered_map<uint32_t, Pending> pending_;
  uint32_t next_id_ = 1;
  napi_env env_;
};

}  // namespace requant::addon
