// Two float64 lanes, from and to memory that holds float32.
#pragma once

#include <arm_neon.h>

#include "kernels/shared/float_grid.h"

namespace requant::kernels {
namespace {

struct Doubles2 {
  using Vector = float64x2_t;
  using Mask = uint64x2_t;  // all bits of a lane
  static constexpr size_t kLanes = 2;

  static Vector set(double v) noexcept { return vdupq_n_f64(v); }
  static Vector load(const float* p) noexcept { return vcvt_f64_f32(vld1_f32(p)); }
  static void store(float* p, Vector v) noexcept { vst1_f32(p, vcvt_f32_f64(v)); }
  static Vector add(Vector a, Vector b) noexcept { return vaddq_f64(a, b); }
  static Vector sub(Vector a, Vector b) noexcept { return vsubq_f64(a, b); }
  static Vector mul(Vector a, Vector b) noexcept { return vmulq_f64(a, b); }
  static Vector min(Vector a, Vector b) noexcept { return vminq_f64(a, b); }
  static Vector max(Vector a, Vector b) noexcept { return vmaxq_f64(a, b); }
  static Vector bit_and(Vector v, int64_t mask) noexcept {
    return floats(vandq_s64(bits(v), vdupq_n_s64(mask)));
  }
  static Vector add_bits(Vector v, int64_t with) noexcept {
    return floats(vaddq_s64(bits(v), vdupq_n_s64(with)));
  }
  static Vector magnitude(Vector v) noexcept { return vabsq_f64(v); }
  static Vector exponent(Vector v) noexcept { return bit_and(v, INT64_C(0x7FF) << 52); }
  static Vector with_sign(Vector v, Vector sign) noexcept {
    return vbslq_f64(vdupq_n_u64(UINT64_C(1) << 63), sign, v);
  }

  static Mask no_nan() noexcept { return vdupq_n_u64(0); }
  static Mask is_nan(Vector v) noexcept {
    return vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(vceqq_f64(v, v))));
  }
  static Mask either(Mask a, Mask b) noexcept { return vorrq_u64(a, b); }
  static bool any(Mask m) noexcept { return (vgetq_lane_u64(m, 0) | vgetq_lane_u64(m, 1)) != 0; }

 private:
  static int64x2_t bits(Vector v) noexcept { return vreinterpretq_s64_f64(v); }
  static Vector floats(int64x2_t v) noexcept { return vreinterpretq_f64_s64(v); }
};

}  // namespace
}  // namespace requant::kernels
