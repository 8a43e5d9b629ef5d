// The loops of layer norm over a vector type V. Internal linkage, as in epilogue.h.
//
// A sum of floats is 16 partial sums, one a lane: k mod 16 is lane k of one vector (AVX-512), two (AVX2) or
// four (NEON). Each lane is one chain of additions, of 4 cycles each: 64 of them for 1024 values.
#pragma once

#include "kernels/shared/finish.h"

namespace requant::kernels {
namespace {

constexpr size_t kPartials = 16;

/// Σ term(x[k]). term(rest) is 0: what fills the last vectors (which keeps a partial sum, as none is −0).
template <class V, class Term>
[[gnu::always_inline]] inline float sum_in_order(const float* x, size_t count, typename V::Float rest,
                                                 Term term) noexcept {
  constexpr int kVectors = kPartials / V::kLanes;
  typename V::Float acc[kVectors];
  unroll<kVectors>([&](auto v) __attribute__((always_inline)) { acc[v] = V::set(0.0F); });
  size_t i = 0;
  for (; i + kPartials <= count; i += kPartials) {
    unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
      acc[v] = V::add(acc[v], term(V::load(x + i + v * V::kLanes)));
    });
  }
  unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
    const size_t k = i + v * V::kLanes;
    if (k < count) acc[v] = V::add(acc[v], term(V::load_first(x + k, count - k, rest)));
  });
  alignas(64) float partial[kPartials];
  unroll<kVectors>(
      [&](auto v) __attribute__((always_inline)) { V::store(partial + v * V::kLanes, acc[v], V::kLanes); });
  for (size_t half = kPartials / 2; half > 0; half /= 2) {
    for (size_t k = 0; k < half; ++k) partial[k] += partial[k + half];
  }
  return partial[0];
}

template <class V>
float norm_sum(const float* x, size_t count) noexcept {
  return sum_in_order<V>(x, count, V::set(0.0F),
                         [](typename V::Float v) __attribute__((always_inline)) { return v; });
}

template <class V>
float norm_square_sum(const float* x, size_t count, float mean) noexcept {
  const auto minus_mean = V::set(-mean);
  return sum_in_order<V>(x, count, V::set(mean), [=](typename V::Float v) __attribute__((always_inline)) {
    const auto d = V::add(v, minus_mean);
    return V::mul(d, d);
  });
}

template <class V>
void normalize(const NormalizeRow& row) noexcept {
  const auto minus_mean = V::set(-row.mean);
  const auto factor = V::set(row.factor);
  const auto zero = V::set(0.0F);
  const auto one = [&](auto x, auto weight, auto bias) __attribute__((always_inline)) {
    return V::add(V::mul(V::mul(V::add(x, minus_mean), factor), weight), bias);
  };
  size_t i = 0;
  for (; i + V::kLanes <= row.count; i += V::kLanes)
    V::store(row.y + i, one(V::load(row.x + i), V::load(row.weight + i), V::load(row.bias + i)), V::kLanes);
  if (const size_t left = row.count - i; left != 0) {
    V::store(row.y + i,
             one(V::load_first(row.x + i, left, zero), V::load_first(row.weight + i, left, zero),
                 V::load_first(row.bias + i, left, zero)),
             left);
  }
}

/// Σq² of up to 2^16 codes fits an unsigned lane: 2^16·255² < 2^32.
template <class V>
CodeSums code_sums_of_chunk(const uint8_t* q, size_t count) noexcept {
  auto sum = V::set(0);
  auto square_sum = V::set(0);
  for (size_t i = 0; i < count; i += V::kLanes) {
    const auto codes = V::load_bytes(q + i, count - i);
    sum = V::add(sum, codes);
    square_sum = V::add(square_sum, V::mul_low(codes, codes));
  }
  int32_t lanes[2][V::kLanes];
  V::store(lanes[0], sum, V::kLanes);
  V::store(lanes[1], square_sum, V::kLanes);
  CodeSums sums;
  for (size_t i = 0; i < V::kLanes; ++i) {
    sums.sum += static_cast<uint32_t>(lanes[0][i]);
    sums.square_sum += static_cast<uint32_t>(lanes[1][i]);
  }
  return sums;
}

template <class V>
CodeSums code_sums(const uint8_t* q, size_t count) noexcept {
  constexpr size_t kChunk = size_t{1} << 16;
  CodeSums sums;
  for (size_t i = 0; i < count; i += kChunk) {
    const CodeSums chunk = code_sums_of_chunk<V>(q + i, minimum(kChunk, count - i));
    sums.sum += chunk.sum;
    sums.square_sum += chunk.square_sum;
  }
  return sums;
}

template <class V>
void normalize_codes(const NormalizeCodesRow& row) noexcept {
  const auto center = V::set(row.center);
  const auto step = V::set(row.step);
  const auto offset = V::set(row.offset);
  const auto zero = V::set(0.0F);
  const auto one = [&](auto q, auto weight, auto bias) __attribute__((always_inline)) {
    const auto steps = V::to_float(V::sub(q, center));
    return V::add(V::mul(V::add(V::mul(steps, step), offset), weight), bias);
  };
  size_t i = 0;
  for (; i + V::kLanes <= row.count; i += V::kLanes) {
    const auto y = one(V::load_bytes(row.q + i, V::kLanes), V::load(row.weight + i), V::load(row.bias + i));
    V::store(row.y + i, y, V::kLanes);
  }
  if (const size_t left = row.count - i; left != 0) {
    V::store(row.y + i,
             one(V::load_bytes(row.q + i, left), V::load_first(row.weight + i, left, zero),
                 V::load_first(row.bias + i, left, zero)),
             left);
  }
}

template <class V>
constexpr NormKernel kNorm{norm_sum<V>, norm_square_sum<V>, normalize<V>, code_sums<V>, normalize_codes<V>};

}  // namespace
}  // namespace requant::kernels
