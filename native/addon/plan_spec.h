// A compiled program, as lib/models/compile.ts describes it, → plan::Builder calls.
#pragma once

#include <napi.h>

#include "plan/plan.h"

namespace requant::addon {

/// `threads`: most threads of one run; 0: all of the pool. Throws what the builder refuses.
std::shared_ptr<const plan::Plan> build_plan(const Napi::Object& program, size_t threads);

}  // namespace requant::addon
