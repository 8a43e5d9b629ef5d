// The table of the AVX-VNNI kernels: the only symbol of this instruction set. Everything but the int8 product
// is AVX2's.
#include "kernels/avx2/float.h"
#include "kernels/avxvnni/int4.h"
#include "kernels/avxvnni/qgemm.h"

namespace requant::kernels {
namespace {

constexpr PeakLoops kPeak{peak_int8<Vex>, peak_float32};

}  // namespace
}  // namespace requant::kernels

extern "C" const requant::kernels::KernelSet requant_kernels_avxvnni{
    &requant::kernels::kQGemm<requant::kernels::Vex>, &requant::kernels::kSGemm, &requant::kernels::kVector,
    &requant::kernels::kPeak, &requant::kernels::kInt4<requant::kernels::Int4Vnni<requant::kernels::Vex>>};
