// Philox-4x32-10 (integer_passes.h) on the 64-bit lanes of V: a product of 32-bit halves keeps its upper half
// beside its lower one, and multiplication looks at lower halves only, so that nothing is ever cleared.
//
//   a round of 2 · V::kLanes / 2 counters: 4 vpmuludq, 4 shifts, 8 vpxor (4 vpternlog)
#pragma once

#include "kernels/shared/integer_passes.h"

namespace requant::kernels {
namespace {

/// The counters of every second lane.
template <class V>
struct PhiloxLanes {
  using Int = typename V::Int;
  Int c0, c1, c2, c3;

  [[gnu::always_inline]] void round(Int k0, Int k1) noexcept {
    const Int product0 = V::mul_even_unsigned(V::set64(kPhilox0), c0);
    const Int product1 = V::mul_even_unsigned(V::set64(kPhilox1), c2);
    c0 = V::bit_xor(V::bit_xor(V::odd_to_even(product1), c1), k0);
    c1 = product1;
    c2 = V::bit_xor(V::bit_xor(V::odd_to_even(product0), c3), k1);
    c3 = product0;
  }
};

template <class V>
void random_words_x86(const integer::RandomBlock& random, uint32_t* words) noexcept {
  using Int = typename V::Int;
  const Int c1 = V::set64(random.counter[0]);
  const Int c2 = V::set64(random.counter[1]);
  const Int c3 = V::set64(random.counter[2]);
  for (uint32_t i = 0; i < kCounters; i += V::kLanes) {
    const Int first = V::add(V::set(static_cast<int32_t>(random.first + i)), V::count());
    PhiloxLanes<V> even{first, c1, c2, c3};
    PhiloxLanes<V> odd{V::odd_to_even(first), c1, c2, c3};
    RoundKey key{random.key[0], random.key[1]};
    for (int round = 0; round < kPhiloxRounds; ++round, key.next()) {
      const Int k0 = V::set64(key.k0);
      const Int k1 = V::set64(key.k1);
      even.round(k0, k1);
      odd.round(k0, k1);
    }
    const auto store = [&](uint32_t word, Int e, Int o) __attribute__((always_inline)) {
      V::store(reinterpret_cast<int32_t*>(words) + word * kCounters + i,
               V::blend_odd(e, V::template left64<32>(o)), V::kLanes);
    };
    store(0, even.c0, odd.c0);
    store(1, even.c1, odd.c1);
    store(2, even.c2, odd.c2);
    store(3, even.c3, odd.c3);
  }
}

}  // namespace
}  // namespace requant::kernels
