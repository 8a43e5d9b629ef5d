// A compiled program, as lib/models/compile.ts describes it, → plan::Builder calls.
#pragma once

#include <napi.h>

#include "plan/plan.h"

namespace requant::addon {

/// Throws what the builder refuses.
std::shared_ptr<const plan::Plan> build_plan(const Napi::Object& program);

}  // namespace requant::addon
