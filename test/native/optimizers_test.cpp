// The optimizers' steps of every kernel against arith/optimizers.h, at tolerance 0 and at the edges of
// guarded memory.
#include <string>
#include <vector>

#include "arith/optimizers.h"
#include "check.h"
#include "guarded_buffer.h"
#include "kernels_here.h"
#include "random.h"

namespace {

using namespace requant;
using test::check;
using test::Flush;
using test::GuardedBuffer;
using test::Random;
using test::run_case;

constexpr size_t kMaxLength = 70;
constexpr AdamSettings kAdam{0.001F, 0.9F, 0.999F, 1e-8F, 0.1F, 0.001F};
constexpr SgdSettings kSgd{0.05F, 0.9F};

/// An array of a kernel between guard pages, and its copy for the definition.
class Array {
 public:
  Array(Random& random, size_t count, Flush flush, float lowest = -1.0F)
      : wanted(count), memory_(kMaxLength) {
    for (float& x : wanted) {
      x = random.chance(8) ? 0.0F : random.unit() * (random.chance(2) ? 1.0F : 1e-6F);
      if (x < lowest) x = -x;
    }
    own = memory_.copy(wanted.data(), count, flush);
  }

  bool agrees() const { return memory_.untouched() && test::same_float(own, wanted.data(), wanted.size()); }

  std::vector<float> wanted;
  float* own;

 private:
  GuardedBuffer<float> memory_;
};

void adam(const kernels::OptimizerKernel& kernel, Random& random, size_t count, Flush flush) {
  Array g(random, count, flush), weight(random, count, flush), m(random, count, flush);
  Array v(random, count, flush, 0.0F);
  kernel.adam({kAdam, count, g.own, weight.own, m.own, v.own});
  for (size_t i = 0; i < count; ++i)
    arith::adam_step(kAdam, g.wanted[i], weight.wanted[i], m.wanted[i], v.wanted[i]);
  check(g.agrees() && weight.agrees() && m.agrees() && v.agrees(), "adam");
}

void sgd(const kernels::OptimizerKernel& kernel, Random& random, size_t count, Flush flush) {
  Array g(random, count, flush), weight(random, count, flush), velocity(random, count, flush);
  kernel.sgd({kSgd, count, g.own, weight.own, velocity.own});
  for (size_t i = 0; i < count; ++i) arith::sgd_step(kSgd, g.wanted[i], weight.wanted[i], velocity.wanted[i]);
  check(g.agrees() && weight.agrees() && velocity.agrees(), "sgd");
}

template <class Step>
void lengths(const kernels::OptimizerKernel& kernel, Step step) {
  Random random(7);
  for (size_t count = 0; count <= kMaxLength; ++count)
    for (const Flush flush : {Flush::start, Flush::end}) step(kernel, random, count, flush);
}

}  // namespace

int main() {
  for (const dispatch::Kernel* kernel : test::kernels_here()) {
    const std::string name = kernel->name;
    const kernels::OptimizerKernel& optimizers = kernel->set->vector->optimizers;
    run_case("optimizers, " + name + ": adam, 0…70 weights", [&] { lengths(optimizers, adam); });
    run_case("optimizers, " + name + ": sgd, 0…70 weights", [&] { lengths(optimizers, sgd); });
  }
  return test::finish();
}
