// Programs: the builder refuses one, or its plan runs, with the same bits on every kernel and number of
// threads, within the memory it is given.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "guarded_buffer.h"
#include "kernels_here.h"
#include "parallel/pool.h"
#include "program.h"
#include "size.h"

namespace {

using namespace requant;
using fuzz::Bytes;
using plan::Element;
using PlanPtr = std::shared_ptr<const plan::Plan>;
using test::Flush;
using test::GuardedBuffer;

constexpr size_t kThreads = 2;

void require(bool ok, const char* what, const char* kernel) {
  if (ok) return;
  std::fprintf(stderr, "expected %s (%s)\n", what, kernel);
  std::abort();
}

parallel::Pool& pool() {
  static auto* const pool = new parallel::Pool(kThreads);
  return *pool;
}

/// What a run is asked for, and the outcome of the first kernel that did it.
struct Call {
  size_t rows = 0;
  Element input_element = Element::f32, output_element = Element::f32;
  std::vector<std::byte> input;
  bool nan_is_zero = false;
  Flush flush = Flush::end;
};

struct Outcome {
  Status status;
  std::vector<std::byte> output;
};

Call decode_call(Bytes& bytes, const plan::Plan& plan) {
  Call call;
  const size_t features = plan.values()[plan.input().value].features;
  const uint8_t rows = bytes.byte();
  call.rows = rows < 200 ? (rows + 1U) % 14 : rows - 150U;  // 1 where the input has ended
  if (fuzz::kSmall) call.rows %= 4;
  while (call.rows * features > size_t{1} << 17) call.rows /= 2;
  call.nan_is_zero = bytes.below(4) == 0;
  call.flush = bytes.below(2) == 0 ? Flush::start : Flush::end;
  if (bytes.below(2) == 0) call.input_element = plan.input().element;
  if (bytes.below(2) == 0) call.output_element = plan.output().element;
  const size_t count = call.rows * features;
  call.input.resize(count * plan::element_bytes(call.input_element));
  if (call.input_element == Element::f32) {
    const std::vector<float> x = bytes.numbers(count);
    if (count != 0) std::memcpy(call.input.data(), x.data(), call.input.size());
  } else {
    const std::vector<uint8_t> x = bytes.codes(count);
    if (count != 0) std::memcpy(call.input.data(), x.data(), call.input.size());
  }
  return call;
}

/// Runs from `input` to `output`; what was written is the output.
Outcome run(const plan::Plan& plan, const Call& call, const std::byte* input, std::byte* output,
            size_t out_bytes) {
  plan::RunRequest request;
  request.input = input;
  request.input_element = call.input_element;
  request.input_size = call.input.size() / plan::element_bytes(call.input_element);
  request.output = output;
  request.output_element = call.output_element;
  request.output_size = out_bytes / plan::element_bytes(call.output_element);
  request.nan_is_zero = call.nan_is_zero;
  Outcome outcome{plan.run(request), {}};
  outcome.output.assign(output, output + out_bytes);
  return outcome;
}

Outcome run(const plan::Plan& plan, const Call& call) {
  const size_t out_bytes =
      call.rows * plan.values()[plan.output().value].features * plan::element_bytes(call.output_element);
  if (fuzz::kSmall) {
    std::vector<std::byte> output(out_bytes, std::byte{0xA5});
    return run(plan, call, call.input.data(), output.data(), out_bytes);
  }
  GuardedBuffer<std::byte> input(call.input.size()), output(out_bytes);
  const std::byte* const x = input.copy(call.input.data(), call.input.size(), Flush::end);
  Outcome outcome = run(plan, call, x, output.place(out_bytes, call.flush), out_bytes);
  require(input.untouched() && output.untouched(), "nothing to be written beyond the output", "run");
  return outcome;
}

bool same_output(const Outcome& a, const Outcome& b, Element element) {
  if (element != Element::f32) return a.output == b.output;
  return test::same_float(reinterpret_cast<const float*>(a.output.data()),
                          reinterpret_cast<const float*>(b.output.data()), a.output.size() / sizeof(float));
}

void compare(const Outcome& expected, const Outcome& actual, Element element, const char* kernel) {
  require(actual.status.code() == expected.status.code(), "the same status", kernel);
  require(actual.status.message() == expected.status.message(), "the same message", kernel);
  if (expected.status.ok()) require(same_output(expected, actual, element), "the same bits", kernel);
}

using Built = Result<PlanPtr>;

/// The same decision and the same bits as the reference.
void check(const fuzz::Program& program, const Built& reference, const Call& call, const Outcome& expected,
           const dispatch::Kernel& kernel) {
  plan::PlanOptions options{program.observable};
  if (!fuzz::kSmall) options = {program.observable, &pool(), kThreads};
  const Built built = fuzz::build(program, kernel, options);
  require(built.status.message() == reference.status.message(), "the same decision", kernel.name);
  if (!built.ok()) return;
  for (int i = 0; i < 2; ++i)  // the second time in an arena that has been used
    compare(expected, run(*built.value, call), call.output_element, kernel.name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  const fuzz::Program program = fuzz::decode_program(bytes);
  const dispatch::Kernel& scalar = dispatch::compiled_kernels().back();
  const auto reference = fuzz::build(program, scalar, {program.observable});
  if (!reference.ok()) require(reference.status.message().starts_with("expected "), "a message", "scalar");

  Call call;
  Outcome expected;
  if (reference.ok()) {
    call = decode_call(bytes, *reference.value);
    expected = run(*reference.value, call);
    const Code code = expected.status.code();
    require(code == Code::ok || (code == Code::nan_input && !call.nan_is_zero), "a plan that can run",
            expected.status.message().c_str());
  }
  const auto& kernels = test::kernels_here();
  const size_t first = fuzz::kSmall ? bytes.below(kernels.size()) : 0;
  for (size_t i = first; i < (fuzz::kSmall ? first + 1 : kernels.size()); ++i)
    check(program, reference, call, expected, *kernels[i]);
  return 0;
}
