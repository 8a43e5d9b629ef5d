// The optimizers' steps of every kernel against arith/optimizers.h, at tolerance 0 and at the edges of
// guarded memory.
#include <cmath>
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

/// Finite, of any exponent; zeros of both signs among them.
float anything(Random& random) {
  if (random.chance(8)) return random.chance(2) ? -0.0F : 0.0F;
  for (;;) {
    if (const float x = random.any_float(); std::isfinite(x)) return x;
  }
}

/// m and v and what they belong to, 32 of each.
struct Weights {
  static constexpr size_t kCount = 32;
  float weight[kCount], m[kCount], v[kCount];
};

/// All of an ordinary size; or those m and weights very small that a kernel may take for 0 beside ordinary
/// ones; or anything.
Weights weights(Random& random) {
  const auto kind = random.between(0, 2);
  const bool light = random.chance(4);  // now and then a weight that a very small m moves
  Weights w;
  for (size_t i = 0; i < Weights::kCount; ++i) {
    w.weight[i] = kind == 2 ? anything(random) : random.unit();
    w.m[i] = kind == 2 ? anything(random) : random.unit();
    w.v[i] = std::fabs(kind == 2 ? anything(random) : random.unit());
    if (kind == 1 && random.chance(3)) {
      w.m[i] = random.unit() * random.scaled(-120, -80) * (random.chance(2) ? 1.0F : 0x1p-25F);
      w.v[i] = random.chance(2) ? 0.0F : w.v[i];
      w.weight[i] = light && random.chance(4) ? random.scaled(-60, -15) : random.scaled(-19, 0);
    }
  }
  return w;
}

/// The corrections are divisors that kernels may know the inverse of: quotients of all sizes, by any of them.
void divisions(const kernels::OptimizerKernel& kernel) {
  Random random(11);
  for (int round = 0; round < 20'000; ++round) {
    AdamSettings settings{1.0F, 1.0F, 1.0F, 0x1p-30F, 0.0F, 0.0F};  // m and v stay as they are
    for (float* c : {&settings.correction1, &settings.correction2})
      *c = std::fabs(random.scaled(-13, 0)) + 0x1p-14F;
    Weights own = weights(random);
    Weights wanted = own;
    const float g[Weights::kCount] = {};
    for (size_t i = 0; i < Weights::kCount; ++i)
      arith::adam_step(settings, g[i], wanted.weight[i], wanted.m[i], wanted.v[i]);
    kernel.adam({settings, Weights::kCount, g, own.weight, own.m, own.v});
    check(test::same_float(own.weight, wanted.weight, Weights::kCount), "quotients");
  }
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
    run_case("optimizers, " + name + ": adam, any size of m and v", [&] { divisions(optimizers); });
    run_case("optimizers, " + name + ": sgd, 0…70 weights", [&] { lengths(optimizers, sgd); });
  }
  return test::finish();
}
