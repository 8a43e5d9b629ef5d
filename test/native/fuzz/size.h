// The two sizes of every target. Small: one kernel an input instead of all, values of a few features, no
// threads; memory comes from malloc, whose ends the address sanitizer watches, instead of guarded pages.
#pragma once

namespace requant::fuzz {

extern const bool kSmall;

}  // namespace requant::fuzz
