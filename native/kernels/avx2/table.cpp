// The table of the AVX2 kernels: the only symbol of this instruction set.
#include "kernels/avx2/qgemm.h"
#include "kernels/avx2/sgemm.h"
#include "kernels/avx2/vector.h"

namespace requant::kernels {
namespace {

constexpr QGemmKernel kQGemm{{kLanes, kVectors, 2}, qgemm_6x16_avx2, epilogue};
constexpr SGemmKernel kSGemm{{kLanes, kVectors, 1}, sgemm_6x16_avx2<float>, sgemm_6x16_avx2<int8_t>};
constexpr VectorKernel kVector{quantize, dequantize};

}  // namespace
}  // namespace requant::kernels

extern "C" const requant::kernels::KernelSet requant_kernels_avx2{
    &requant::kernels::kQGemm, &requant::kernels::kSGemm, &requant::kernels::kVector};
