// 256-entry tables by tbl, which looks up 64 entries and gives 0 (tbx: what was there) for an index beyond.
#pragma once

#include <arm_neon.h>

#include "kernels/kernel.h"

namespace requant::kernels {
namespace {

void lookup_neon(const LookupRow& row) noexcept {
  const uint8x16x4_t quarter[4] = {vld1q_u8_x4(row.table), vld1q_u8_x4(row.table + 64),
                                   vld1q_u8_x4(row.table + 128), vld1q_u8_x4(row.table + 192)};
  const uint8x16_t step = vdupq_n_u8(64);
  size_t i = 0;
  for (; i + 16 <= row.count; i += 16) {
    uint8x16_t x = vld1q_u8(row.x + i);
    uint8x16_t y = vqtbl4q_u8(quarter[0], x);
    y = vqtbx4q_u8(y, quarter[1], x = vsubq_u8(x, step));
    y = vqtbx4q_u8(y, quarter[2], x = vsubq_u8(x, step));
    y = vqtbx4q_u8(y, quarter[3], vsubq_u8(x, step));
    vst1q_u8(row.out + i, y);
  }
  for (; i < row.count; ++i) row.out[i] = row.table[row.x[i]];
}

}  // namespace
}  // namespace requant::kernels
