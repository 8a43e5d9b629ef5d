// float32 → the nearest number of a floating grid, over a type D of vectors of float64. The definition is in
// arith/float_grid.h; this one has neither a division nor an exponent taken apart:
//
//   t = round40(min(|x|·fl(A/B), L))                     A numerator, B denominator, L limit
//   w = 1.5·2^(52−M)·max(2^(exponent of t), 2^emin)      the bits of t's exponent alone are that power
//   q = (t + w) − w                                      w's last bit is worth 2^(e−M): rne
//   y = ± fl(round40(q·fl(B/A)))
//
// The bits are the definition's. Write T = |x|·A / B for the exact quotient, N = |x|·A < 2^31 and B < 2^24
// for its integers. A tie of the grid, or a power of two, is j·2^k with j < 2^8. If T is not j·2^k, then N
// and j·B·2^k, brought to whole numbers by a power of two, differ by 1 or more and are below 2^32: T is at
// least 2^-32 of itself away from j·2^k. |x|·fl(A/B) is off by 2^-51 at most; round40 (to nearest, 40 bits)
// moves it by 2^-40 at most, and gives j·2^k itself where T is that. So t lies where T lies: on the same side
// of every tie and in the same binade. Likewise at the end: q·B/A with q·B < 2^31 and A < 2^7 is a tie of
// float32 (25 bits) exactly, or 2^-32 of itself away from it, and round40 leaves it there.
//
// Internal linkage, as in epilogue.h.
#pragma once

#include "kernels/kernel.h"
namespace requant::kernels {
namespace {

template <class D>
class RoundToGrid {
 public:
  explicit RoundToGrid(const GridRow& row) noexcept
      : in_(D::set(row.grid.numerator / row.grid.denominator)),
        limit_(D::set(row.grid.limit)),
        least_(D::set(power_of_two(row.grid.min_exponent))),
        shifter_(D::set(1.5 * power_of_two(52 - row.grid.mantissa))),
        out_(D::set(row.scaled ? row.grid.denominator / row.grid.numerator : 1.0)) {}

  [[gnu::always_inline]] typename D::Vector operator()(typename D::Vector x) const noexcept {
    const auto t = round40(D::min(D::mul(D::magnitude(x), in_), limit_));
    const auto w = D::mul(D::max(D::exponent(t), least_), shifter_);
    const auto q = D::sub(D::add(t, w), w);
    return D::with_sign(round40(D::mul(q, out_)), x);
  }

 private:
  static double power_of_two(int32_t e) noexcept {
    return __builtin_bit_cast(double, static_cast<uint64_t>(e + 1023) << 52);
  }

  /// Half of the last bit kept, and those behind it cleared. A carry runs into the exponent, as it should.
  static typename D::Vector round40(typename D::Vector v) noexcept {
    constexpr int64_t kDropped = 53 - 40;
    return D::bit_and(D::add_bits(v, int64_t{1} << (kDropped - 1)), -(int64_t{1} << kDropped));
  }

  typename D::Vector in_, limit_, least_, shifter_, out_;
};

template <class D>
bool round_to_grid(const GridRow& row) noexcept {
  const RoundToGrid<D> round(row);
  auto nan = D::no_nan();
  size_t i = 0;
  for (; i + D::kLanes <= row.count; i += D::kLanes) {
    const auto x = D::load(row.x + i);
    nan = D::either(nan, D::is_nan(x));
    D::store(row.out + i, round(x));
  }
  bool any = D::any(nan);
  if (const size_t rest = row.count - i; rest > 0) {  // once more, as a row of one vector
    float last[D::kLanes] = {};
    __builtin_memcpy(last, row.x + i, rest * sizeof(float));
    any |= round_to_grid<D>({last, D::kLanes, row.grid, row.scaled, last});
    __builtin_memcpy(row.out + i, last, rest * sizeof(float));
  }
  return any;
}

}  // namespace
}  // namespace requant::kernels
