// The table of the AVX-512 VNNI kernels: the only symbol of this instruction set.
#include "kernels/avx512vnni/qgemm.h"
#include "kernels/avx512vnni/sgemm.h"
#include "kernels/avx512vnni/vector.h"

namespace requant::kernels {
namespace {

constexpr QGemmKernel kQGemm{{kLanes, kVectors, 4}, qgemm_6x64_avx512vnni, epilogue};
constexpr SGemmKernel kSGemm{{kLanes, kVectors, 1}, sgemm_6x64_avx512<float>, sgemm_6x64_avx512<int8_t>};
constexpr VectorKernel kVector{quantize, dequantize};

}  // namespace
}  // namespace requant::kernels

extern "C" const requant::kernels::KernelSet requant_kernels_avx512vnni{
    &requant::kernels::kQGemm, &requant::kernels::kSGemm, &requant::kernels::kVector};
