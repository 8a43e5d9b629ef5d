// The table of the NEON int8 matrix multiply kernels: the only symbol of this instruction set.
#include "kernels/neon_i8mm/qgemm.h"
#include "kernels/neon_shared/floats.h"
#include "kernels/shared/integer_passes.h"

namespace requant::kernels {
namespace {

uint64_t peak_int8(uint64_t steps) noexcept {
  return peak<int32x4_t>(steps, vdupq_n_s32(0x01010101), 32, [](int32x4_t& acc, int32x4_t x) {
    asm volatile("usmmla %0.4s, %1.16b, %1.16b" : "+w"(acc) : "w"(x));
  });
}

constexpr QGemmKernel kQGemm{{kPanel}, qgemm_6x16_neon_i8mm, epilogue<Lanes4>};
constexpr PeakLoops kPeak{peak_int8, peak_float32};
constexpr IntegerKernel kInteger = kIntegerPasses<random_words>;

}  // namespace
}  // namespace requant::kernels

extern "C" const requant::kernels::KernelSet requant_kernels_neon_i8mm{&requant::kernels::kQGemm,
                                                                       &requant::kernels::kSGemm,
                                                                       &requant::kernels::kVector,
                                                                       &requant::kernels::kPeak,
                                                                       nullptr,
                                                                       &requant::kernels::kInteger};
