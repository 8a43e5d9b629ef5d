// The table of the AVX2 kernels: the only symbol of this instruction set.
#include "kernels/avx2/float.h"
#include "kernels/avx2/int4.h"
#include "kernels/avx2/qgemm.h"
#include "kernels/shared/random_x86.h"

namespace requant::kernels {
namespace {

constexpr QGemmKernel kQGemm{
    {.wide = kPanel, .call_columns = kCallColumns}, qgemm_6x16_avx2, epilogue<Lanes8>};
constexpr PeakLoops kPeak{peak_int8, peak_float32};
constexpr IntegerKernel kInteger = kIntegerPasses<random_words_x86<Lanes8>>;

}  // namespace
}  // namespace requant::kernels

extern "C" const requant::kernels::KernelSet requant_kernels_avx2{
    &requant::kernels::kQGemm,
    &requant::kernels::kSGemm,
    &requant::kernels::kVector,
    &requant::kernels::kPeak,
    &requant::kernels::kInt4<requant::kernels::Int4Avx2>,
    &requant::kernels::kInteger};
