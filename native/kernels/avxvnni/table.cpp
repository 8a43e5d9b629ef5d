// The table of the AVX-VNNI kernels: the only symbol of this instruction set. It holds the products of
// integers; everything else is AVX2's, which dispatch puts in the place of what is null here.
#include "kernels/avx2/float.h"
#include "kernels/avxvnni/int4.h"
#include "kernels/avxvnni/qgemm.h"

namespace requant::kernels {
namespace {

constexpr PeakLoops kPeak{peak_int8<Vex>, peak_float32};

}  // namespace
}  // namespace requant::kernels

extern "C" const requant::kernels::KernelSet requant_kernels_avxvnni{
    &requant::kernels::kQGemm<requant::kernels::Vex>, nullptr, nullptr, &requant::kernels::kPeak,
    &requant::kernels::kInt4Codes<requant::kernels::Int4Vnni<requant::kernels::Vex>>};
