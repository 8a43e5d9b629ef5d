// The process's one background thread: runs tasks in the order they came, sleeps when there are none.
#pragma once

#include <functional>

namespace requant::parallel {

/// Queues a task. The thread starts with the first one and is never destroyed: a task may outlive the
/// JavaScript environment that asked for it. Tasks must not throw. May throw std::bad_alloc or
/// std::system_error.
void run_in_background(std::function<void()> task);

}  // namespace requant::parallel
