// Arrays of rows as a plan takes them.
#pragma once

#include <napi.h>

#include "plan/plan.h"

namespace requant::addon {

struct Rows {
  void* data = nullptr;
  size_t size = 0;  // elements
  plan::Element element = plan::Element::f32;
};

/// A typed array of floats or codes.
Rows rows(const Napi::Value& value, const char* name);

inline plan::RunRequest request_of(const Rows& input, const Rows& output, bool nan_is_zero) noexcept {
  plan::RunRequest request;
  request.input = input.data;
  request.input_size = input.size;
  request.input_element = input.element;
  request.output = output.data;
  request.output_size = output.size;
  request.output_element = output.element;
  request.nan_is_zero = nan_is_zero;
  return request;
}

}  // namespace requant::addon
