// What an operation that can fail returns: a code that lib/errors.ts knows by the same name, and a message.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace requant {

enum class Code : uint8_t { ok, argument, shape, dtype, nan_input, overflow, kernel, memory, cancelled };

/// The `ERR_…` name of a code, as `RequantError.code` carries it.
constexpr const char* code_name(Code code) noexcept {
  switch (code) {
    case Code::ok:
      return "OK";
    case Code::argument:
      return "ERR_ARGUMENT";
    case Code::shape:
      return "ERR_SHAPE";
    case Code::dtype:
      return "ERR_DTYPE";
    case Code::nan_input:
      return "ERR_NAN_INPUT";
    case Code::overflow:
      return "ERR_OVERFLOW";
    case Code::kernel:
      return "ERR_KERNEL";
    case Code::memory:
      return "ERR_MEMORY";
    case Code::cancelled:
      return "CANCELLED";
  }
  return "ERR_ARGUMENT";
}

class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(Code code, std::string message) noexcept : code_(code), message_(std::move(message)) {}

  bool ok() const noexcept { return code_ == Code::ok; }
  Code code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }

 private:
  Code code_ = Code::ok;
  std::string message_;
};

inline Status out_of_memory(size_t bytes) {
  return {Code::memory, "expected to allocate " + std::to_string(bytes) + " bytes but the system refused"};
}

/// A value, or the status that says why there is none.
template <class T>
struct [[nodiscard]] Result {
  Result(T v) noexcept : value(std::move(v)) {}
  Result(Status s) noexcept : status(std::move(s)) {}

  bool ok() const noexcept { return status.ok(); }

  Status status;
  T value{};
};

}  // namespace requant
