// The table of the AVX2 kernels: the only symbol of this instruction set.
#include "kernels/avx2/peak.h"
#include "kernels/avx2/qgemm.h"

namespace requant::kernels {
namespace {

// float32 product on the same 6 × 16 tile: 12 accumulators; per k 2 loads + 6 broadcast loads, 12 vfmadd231ps
// (latency 4, two a cycle: ≥ 8 chains).
template <class Weight>
constexpr const STileFn* kSTiles[kVectors] = {kSTilesOf<Lanes8, 1, Weight>, kSTilesOf<Lanes8, 2, Weight>};

template <class Weight>
void sgemm_6x16_avx2(const SGemmPanel& p) noexcept {
  sgemm_panel<Lanes8, kRows>(p, kSTiles<Weight>);
}

constexpr QGemmKernel kQGemm{{{Lanes8::kLanes, kVectors, 2}}, qgemm_6x16_avx2, epilogue<Lanes8>};
constexpr SGemmKernel kSGemm{{Lanes8::kLanes, kVectors, 1}, sgemm_6x16_avx2<float>, sgemm_6x16_avx2<int8_t>};
constexpr VectorKernel kVector{quantize<Lanes8>, dequantize<Lanes8>};
constexpr PeakLoops kPeak{peak_int8, peak_float32};

}  // namespace
}  // namespace requant::kernels

extern "C" const requant::kernels::KernelSet requant_kernels_avx2{
    &requant::kernels::kQGemm, &requant::kernels::kSGemm, &requant::kernels::kVector,
    &requant::kernels::kPeak};
