// Four 32-bit lanes: the vector type of the shared templates on NEON.
#pragma once

#include <arm_neon.h>

#include "kernels/neon_shared/partial.h"
#include "kernels/neon_shared/requantize.h"
#include "kernels/shared/tiles.h"
#include "kernels/shared/vector.h"

namespace requant::kernels {
namespace {

struct Lanes4 {
  using Int = int32x4_t;
  using Float = float32x4_t;
  using Mask = uint32x4_t;  // all bits of a lane
  static constexpr size_t kLanes = 4;

  static Int set(int32_t v) noexcept { return vdupq_n_s32(v); }
  static Int load(const int32_t* p) noexcept { return vld1q_s32(p); }
  static Int load_bytes(const uint8_t* p, size_t count) noexcept {
    const uint8x8_t bytes = vcreate_u8(count >= kLanes ? read<uint32_t>(p) : few_bytes(p, count));
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))));
  }
  static void store(int32_t* p, Int v, size_t count) noexcept {
    if (count >= kLanes) {
      vst1q_s32(p, v);
    } else {
      store_first(reinterpret_cast<uint8_t*>(p), vreinterpretq_u8_s32(v), count * sizeof(int32_t));
    }
  }
  static void store_bytes(uint8_t* p, Int v, size_t count) noexcept {
    const uint8x16_t all = vreinterpretq_u8_s32(v);
    const uint8x16_t bytes = vuzp1q_u8(vuzp1q_u8(all, all), all);
    if (count >= kLanes) {
      vst1q_lane_u32(reinterpret_cast<uint32_t*>(p), vreinterpretq_u32_u8(bytes), 0);
    } else {
      store_first(p, bytes, count);
    }
  }
  static Int add(Int a, Int b) noexcept { return vaddq_s32(a, b); }
  static Int sub(Int a, Int b) noexcept { return vsubq_s32(a, b); }
  static Int mul_low(Int a, Int b) noexcept { return vmulq_s32(a, b); }
  static Int min(Int a, Int b) noexcept { return vminq_s32(a, b); }
  static Int max(Int a, Int b) noexcept { return vmaxq_s32(a, b); }

  static constexpr int kCodeVectors = 4;
  /// As Lanes16::Words.
  struct Words {
    int16x8_t low, high;

    template <int Vectors>
    [[gnu::always_inline]] explicit Words(const Int (&q)[Vectors]) noexcept
        : low(pair(q[0], q[Vectors > 1 ? 1 : 0])),
          high(Vectors > 2 ? pair(q[Vectors > 2 ? 2 : 0], q[Vectors - 1]) : low) {
      static_assert(Vectors <= 4);
    }

    void add(int16_t v) noexcept {
      low = vqaddq_s16(low, vdupq_n_s16(v));
      high = vqaddq_s16(high, vdupq_n_s16(v));
    }

    static int16x8_t pair(Int a, Int b) noexcept { return vqmovn_high_s32(vqmovn_s32(a), b); }
  };

  /// As Lanes16::CodeBytes.
  struct CodeBytes {
    uint8x16_t lo, hi, flip;
    bool plain;
    CodeBytes(uint8_t low, uint8_t high, uint8_t xor_with) noexcept
        : lo(vdupq_n_u8(low)),
          hi(vdupq_n_u8(high)),
          flip(vdupq_n_u8(xor_with)),
          plain(low == 0 && high == 255 && xor_with == 0) {}

    template <int Vectors>
    [[gnu::always_inline]] void store(uint8_t* out, const Int (&q)[Vectors], size_t columns) const noexcept {
      store(out, Words(q), Vectors == 4 ? columns : minimum(columns, Vectors * kLanes));
    }

    [[gnu::always_inline]] void store(uint8_t* out, const Words& words, size_t columns) const noexcept {
      uint8x16_t bytes = vqmovun_high_s16(vqmovun_s16(words.low), words.high);
      if (!plain) bytes = veorq_u8(vminq_u8(vmaxq_u8(bytes, lo), hi), flip);
      if (columns >= 16) {
        vst1q_u8(out, bytes);
      } else {
        store_first(out, bytes, columns);
      }
    }
  };
  static Int bit_and(Int a, Int b) noexcept { return vandq_s32(a, b); }
  static Int bits(Float v) noexcept { return vreinterpretq_s32_f32(v); }

  static Float set(float v) noexcept { return vdupq_n_f32(v); }
  static Float load(const float* p) noexcept { return vld1q_f32(p); }
  static Float load_first(const float* p, size_t count, Float rest) noexcept {
    if (count >= kLanes) return load(p);
    Float v = vsetq_lane_f32(p[0], rest, 0);
    if (count > 1) v = vsetq_lane_f32(p[1], v, 1);
    if (count > 2) v = vsetq_lane_f32(p[2], v, 2);
    return v;
  }
  static Float load_weights(const float* p) noexcept { return vld1q_f32(p); }
  static Float load_weights(const int8_t* p) noexcept {
    const int8x8_t bytes = vcreate_s8(read<uint32_t>(reinterpret_cast<const uint8_t*>(p)));
    return to_float(vmovl_s16(vget_low_s16(vmovl_s8(bytes))));
  }
  static void store(float* p, Float v, size_t count) noexcept {
    if (count >= kLanes) {
      vst1q_f32(p, v);
    } else {
      store_first(reinterpret_cast<uint8_t*>(p), vreinterpretq_u8_f32(v), count * sizeof(float));
    }
  }
  static Float add(Float a, Float b) noexcept { return vaddq_f32(a, b); }
  static Float mul(Float a, Float b) noexcept { return vmulq_f32(a, b); }
  static Float div(Float a, Float b) noexcept { return vdivq_f32(a, b); }
  static Float sqrt(Float v) noexcept { return vsqrtq_f32(v); }
  static Float min(Float a, Float b) noexcept { return vminq_f32(a, b); }
  static Float max(Float a, Float b) noexcept { return vmaxq_f32(a, b); }
  static Float limit(Float v, Float bound) noexcept { return min(max(v, vnegq_f32(bound)), bound); }
  static Float multiply_add(Float a, Float b, Float c) noexcept { return vfmaq_f32(c, a, b); }
  static Float negative_multiply_add(Float a, Float b, Float c) noexcept { return vfmsq_f32(c, a, b); }
  static Float to_float(Int v) noexcept { return vcvtq_f32_s32(v); }
  static Int round(Float v) noexcept { return vcvtnq_s32_f32(v); }

  static Mask no_nan() noexcept { return vdupq_n_u32(0); }
  static Mask is_nan(Float v) noexcept { return vmvnq_u32(vceqq_f32(v, v)); }
  static Mask greater(Int a, Int b) noexcept { return vcgtq_s32(a, b); }
  static Int select(Mask m, Int if_set, Int if_clear) noexcept { return vbslq_s32(m, if_set, if_clear); }
  static Mask either_is_nan(Float a, Float b) noexcept { return either(is_nan(a), is_nan(b)); }
  static Mask either(Mask a, Mask b) noexcept { return vorrq_u32(a, b); }
  static bool any(Mask m) noexcept { return vmaxvq_u32(m) != 0; }
  static Float zero_where(Mask m, Float v) noexcept {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(v), m));
  }

  static StoreVector select_store(const Epilogue& e) noexcept {
    return kernels::select_store<Lanes4, HalfUp, HalfEven, Gemmlowp>(e);
  }

 private:
  /// One to three bytes.
  static uint32_t few_bytes(const uint8_t* p, size_t count) noexcept {
    const uint32_t last = p[count - 1];
    return p[0] | uint32_t{p[count / 2]} << (8 * (count / 2)) | last << (8 * (count - 1));
  }
};

constexpr int kRows = 6;
constexpr int kVectors = 4;

}  // namespace
}  // namespace requant::kernels
