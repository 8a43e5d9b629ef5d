#include "addon/async_runs.h"

#include <cstring>

#include "addon/convert.h"
#include "addon/rows.h"
#include "parallel/pool.h"

namespace requant::addon {

/// The way back. `tsfn` is null once the environment is closing; both sides look at it under the mutex only.
struct ResultChannel {
  std::mutex mutex;
  napi_threadsafe_function tsfn = nullptr;

  /// The queue of results keeps a run alive by its `self`.
  void post(AsyncRun& run) noexcept {
    const std::lock_guard lock(mutex);
    if (tsfn != nullptr && napi_call_threadsafe_function(tsfn, &run, napi_tsfn_nonblocking) == napi_ok)
      return;
    const std::shared_ptr<AsyncRun> last = std::move(run.self);
  }
};

void AsyncRun::run() noexcept {
  State waiting = State::waiting;
  if (state.compare_exchange_strong(waiting, State::running)) {
    try {
      status = plan->run(request);
    } catch (const std::exception&) {
      status = {Code::memory, "out of memory"};  // short enough to need none
    }
    state.store(State::over);
    state.notify_all();
  }
  const std::shared_ptr<ResultChannel> way_back = channel;
  way_back->post(*this);
}

void AsyncRun::stop() noexcept {
  cancel.store(true, std::memory_order_relaxed);
  State now = State::waiting;
  if (!state.compare_exchange_strong(now, State::over)) state.wait(State::running);
}

namespace {

void copy_output(const AsyncRun& run, const Napi::Value& array) {
  const plan::RunRequest& request = run.request;
  const Rows output = rows(array, "output");
  if (output.size != request.output_size || output.size == 0) return;
  std::memcpy(output.data, request.output, output.size * plan::element_bytes(request.output_element));
}

}  // namespace

AsyncRuns::AsyncRuns(Napi::Env env) : channel_(std::make_shared<ResultChannel>()), env_(env) {
  napi_value name = Napi::String::New(env, "requant:run");
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr,
                                                             nullptr, this, on_result, &channel_->tsfn);
  if (status != napi_ok) throw Napi::Error::New(env, "expected a thread-safe function but Node refused one");
  napi_unref_threadsafe_function(env, channel_->tsfn);
  napi_add_env_cleanup_hook(env, on_environment_exit, this);
}

AsyncRuns::~AsyncRuns() {
  napi_remove_env_cleanup_hook(env_, on_environment_exit, this);
  close();
}

void AsyncRuns::on_environment_exit(void* self) { static_cast<AsyncRuns*>(self)->close(); }

void AsyncRuns::close() noexcept {
  for (auto& [id, pending] : pending_) pending.run->cancel.store(true, std::memory_order_relaxed);
  for (auto& [id, pending] : pending_) pending.run->stop();
  const std::lock_guard lock(channel_->mutex);
  if (channel_->tsfn == nullptr) return;
  napi_release_threadsafe_function(channel_->tsfn, napi_tsfn_abort);
  channel_->tsfn = nullptr;
}

uint32_t AsyncRuns::submit(Napi::Env env, std::shared_ptr<AsyncRun> run, Napi::Value input,
                           Napi::Value output, Napi::Value callback) {
  const uint32_t id = next_id_++;
  run->id = id;
  run->channel = channel_;
  Pending pending{run,
                  {},
                  Napi::Persistent(output.As<Napi::TypedArray>()),
                  Napi::Persistent(callback.As<Napi::Function>())};
  if (input.IsObject()) pending.input = Napi::Persistent(input.As<Napi::Object>());
  const auto [entry, _] = pending_.emplace(id, std::move(pending));
  run->self = run;  // last: what throws above would leave a ring
  if (!process_pool(env).submit(*run)) {
    run->self.reset();
    pending_.erase(entry);
    throw_status(env, {Code::memory, "expected a thread for the run but the system refused"});
  }
  if (pending_.size() == 1) napi_ref_threadsafe_function(env, channel_->tsfn);
  return id;
}

void AsyncRuns::cancel(uint32_t id) noexcept {
  const auto found = pending_.find(id);
  if (found != pending_.end()) found->second.run->cancel.store(true, std::memory_order_relaxed);
}

void AsyncRuns::on_result(napi_env env, napi_value /*callback*/, void* context, void* data) {
  const std::shared_ptr<AsyncRun> run = std::move(static_cast<AsyncRun*>(data)->self);
  if (env == nullptr) return;  // the environment is closing
  // Node calls this as C: nothing may be thrown out of it. A worker that is being terminated refuses every
  // call into JavaScript, and there is nobody left to tell; anything else goes to uncaughtException.
  try {
    const Napi::HandleScope scope(env);
    static_cast<AsyncRuns*>(context)->deliver(env, run);
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
  } catch (const std::exception&) {
    napi_throw_error(env, code_name(Code::memory), "expected memory for a result but the system refused");
  }
}

void AsyncRuns::deliver(Napi::Env env, const std::shared_ptr<AsyncRun>& run) {
  const auto found = pending_.find(run->id);
  if (found == pending_.end()) return;
  const Pending done = std::move(found->second);
  pending_.erase(found);
  if (pending_.empty()) napi_unref_threadsafe_function(env, channel_->tsfn);

  if (run->status.ok() && run->output.data) copy_output(*run, done.output.Value());
  spare_.give_back(std::move(run->input));
  spare_.give_back(std::move(run->output));
  if (pending_.empty()) spare_.shrink();

  if (run->status.ok()) {
    done.callback.Call({env.Undefined(), env.Undefined()});
  } else {
    done.callback.Call({Napi::String::New(env, code_name(run->status.code())),
                        Napi::String::New(env, run->status.message())});
  }
}

}  // namespace requant::addon
