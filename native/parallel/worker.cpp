#include "parallel/worker.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace requant::parallel {
namespace {

class Worker {
 public:
  Worker() {
    std::thread([this] { loop(); }).detach();
  }

  void push(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
  }

 private:
  void loop() {
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return !tasks_.empty(); });
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
};

}  // namespace

void run_in_background(std::function<void()> task) {
  static auto* const worker = new Worker;  // deliberately never deleted
  worker->push(std::move(task));
}

}  // namespace requant::parallel
