// The AVX-VNNI tiles in AVX-512's encoding: how a CPU without AVX-VNNI tests and measures them.
#include "kernels/avx2/float.h"
#include "kernels/avxvnni/int4.h"
#include "kernels/avxvnni/qgemm.h"
#include "kernels/shared/random_x86.h"

namespace requant::kernels {
namespace {

constexpr PeakLoops kPeak{peak_int8<Evex>, peak_float32};
constexpr IntegerKernel kInteger = kIntegerPasses<random_words_x86<Lanes8>>;

}  // namespace
}  // namespace requant::kernels

extern "C" const requant::kernels::KernelSet requant_kernels_avxvnni_evex{
    &requant::kernels::kQGemm<requant::kernels::Evex>,
    &requant::kernels::kSGemm,
    &requant::kernels::kVector,
    &requant::kernels::kPeak,
    &requant::kernels::kInt4<requant::kernels::Int4Vnni<requant::kernels::Evex>>,
    &requant::kernels::kInteger};
