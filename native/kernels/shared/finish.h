// The epilogue of a register tile: accumulators → outputs without a detour through memory, for the cases that
// matter. The others go through memory (epilogue.h). Over V as there, plus
//   V::bits(Float), and V::CodeBytes{lo, hi, flip}: store(out, vectors of int32, columns) saturates to u8,
//   clamps and flips.
#pragma once

#include "kernels/shared/epilogue.h"
#include "kernels/shared/unroll.h"

namespace requant::kernels {
namespace {

/// acc·M + kMagic, rounded once, holds the integer rne(acc·M) in its low bits: in [2^23, 2^24) a float32 is
/// an integer, and kMagic lies in the middle. Farther out the bits still grow with the value, so that
/// saturation is right too (|acc·M| < 2^23, see Epilogue::by_magic).
constexpr float kMagic = 0x1.8p23F;
constexpr int32_t kMagicBits = 0x4B400000;

/// kMagic's bits less the zero point: what remains of acc·M + kMagic is the code.
constexpr int32_t magic_offset(int32_t zero_point) noexcept { return kMagicBits - zero_point; }

/// Whole vectors of accumulators that hold bias and corrections already. Out of line, so that the tile's
/// registers need no address.
template <class V>
[[gnu::noinline]] void store_block(const Epilogue& e, const AccumulatorBlock& block) noexcept {
  Epilogue rest = e;
  rest.bias = nullptr;
  rest.corrections[0] = rest.corrections[1] = {};
  const StoreVector store = V::select_store(rest);
  for (size_t c = 0; c < block.columns; c += V::kLanes) store(rest, block, c);
}

/// A tile: `Rows` rows from `row`, `Vectors` vectors of columns from the panel's first.
template <class V, int Rows, int Vectors>
struct Tile {
  using Int = typename V::Int;
  using Float = typename V::Float;
  const QGemmPanel& p;
  size_t row;
  Int (&acc)[Rows][Vectors];

  [[gnu::always_inline]] const Epilogue& e() const noexcept { return *p.epilogue; }
  [[gnu::always_inline]] size_t column(int v) const noexcept { return p.column + v * V::kLanes; }
  template <class T>
  [[gnu::always_inline]] T* out(int r) const noexcept {
    return static_cast<T*>(p.out) + (row + r) * p.out_stride;
  }

  [[gnu::always_inline]] void correct(const RankOne& c) noexcept {
    if (c.row == nullptr) return;
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      const Int of_column = V::load(c.column + column(v));
      unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        acc[r][v] = V::add(acc[r][v], V::mul_low(V::set(c.row[row + r]), of_column));
      });
    });
  }

  /// Rounding: float32 rounds the product first; the others are one fused multiply-add.
  template <bool Float32>
  [[gnu::always_inline]] void store_codes_by_magic() const noexcept {
    Float scale[Vectors];
    unroll<Vectors>([&](auto v)
                        __attribute__((always_inline)) { scale[v] = V::load(e().scale + column(v)); });
    const Float magic = V::set(kMagic);
    const int32_t raise = e().lo < 0 ? 128 : 0;  // int8: in the u8 domain, and back at the end
    const Int offset = V::set(magic_offset(e().zero_point + raise));
    const typename V::CodeBytes bytes(static_cast<uint8_t>(e().lo + raise),
                                      static_cast<uint8_t>(e().hi + raise), static_cast<uint8_t>(raise));
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      Int q[Vectors];
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        const Float a = V::to_float(acc[r][v]);
        const Float sum = Float32 ? V::add(V::mul(a, scale[v]), magic) : V::multiply_add(a, scale[v], magic);
        q[v] = V::sub(V::bits(sum), offset);
      });
      bytes.store(out<uint8_t>(r), q, p.columns);
    });
  }

  [[gnu::always_inline]] void store_int32() const noexcept {
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        V::store(out<int32_t>(r) + v * V::kLanes, acc[r][v], p.columns - v * V::kLanes);
      });
    });
  }

  /// fl(fl(acc) · scale), or with a scale a row fl(fl(fl(acc) · fl(row scale · scale)) + bias).
  template <bool Dynamic>
  [[gnu::always_inline]] void store_floats() const noexcept {
    const float* bias = Dynamic ? e().float_bias : nullptr;
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      const Float scale = V::load(e().scale + column(v));
      const Float b = bias != nullptr ? V::load(bias + column(v)) : V::set(0.0F);
      unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        const Float by = Dynamic ? V::mul(V::set(e().row_scale[row + r]), scale) : scale;
        Float y = V::mul(V::to_float(acc[r][v]), by);
        if (bias != nullptr) y = V::add(y, b);
        V::store(out<float>(r) + v * V::kLanes, y, p.columns - v * V::kLanes);
      });
    });
  }

  [[gnu::always_inline]] void store_through_memory() const noexcept {
    constexpr size_t kColumns = Vectors * V::kLanes;
    alignas(64) int32_t memory[Rows * kColumns];
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        V::store(memory + r * kColumns + v * V::kLanes, acc[r][v], V::kLanes);
      });
    });
    store_block<V>(e(), {memory, kColumns, row, Rows, p.column, p.columns, out<uint8_t>(0), p.out_stride});
  }

  [[gnu::always_inline]] void finish() noexcept {
    correct(e().corrections[0]);
    correct(e().corrections[1]);
    switch (e().output) {
      case Output::int32:
        return store_int32();
      case Output::dequantize:
        return store_floats<false>();
      case Output::dynamic:
        return store_floats<true>();
      case Output::code:
        break;
    }
    if (e().by_magic == nullptr || e().by_magic[p.column / kColumnPad] == 0) return store_through_memory();
    return e().rounding == Rounding::float32 ? store_codes_by_magic<true>() : store_codes_by_magic<false>();
  }
};

/// The bias of a tile's columns: what its accumulators start from.
template <class V, int Vectors>
struct Bias {
  typename V::Int of[Vectors];

  explicit Bias(const QGemmPanel& p) noexcept {
    const int32_t* bias = p.epilogue->bias;
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      of[v] = bias != nullptr ? V::load(bias + p.column + v * V::kLanes) : V::set(0);
    });
  }
};

}  // namespace
}  // namespace requant::kernels
