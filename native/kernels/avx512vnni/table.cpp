// The table of the AVX-512 VNNI kernels: the only symbol of this instruction set.
#include "kernels/avx512vnni/doubles.h"
#include "kernels/avx512vnni/int4.h"
#include "kernels/avx512vnni/lookup.h"
#include "kernels/avx512vnni/peak.h"
#include "kernels/avx512vnni/qgemm.h"
#include "kernels/avx512vnni/sparse.h"
#include "kernels/shared/norm.h"
#include "kernels/shared/optimizers.h"
#include "kernels/shared/random_x86.h"

namespace requant::kernels {
namespace {

// float32 product on the same 6 × 64 tile: 24 accumulators; per k 4 loads + 6 broadcast loads, 24 vfmadd231ps
// (latency 4).
template <class Weight>
constexpr const STileFn* kSTiles[kVectors] = {kSTilesOf<Lanes16, 1, Weight>, kSTilesOf<Lanes16, 2, Weight>,
                                              kSTilesOf<Lanes16, 3, Weight>, kSTilesOf<Lanes16, 4, Weight>};

template <class Weight>
void sgemm_6x64_avx512(const SGemmPanel& p) noexcept {
  sgemm_panel<Lanes16, kRows>(p, kSTiles<Weight>);
}

constexpr QGemmKernel kQGemm{
    {kWidePanel, kNarrowPanel}, qgemm_6x64_avx512vnni, epilogue<Lanes16>, sparse_panel_8x16};
constexpr SGemmKernel kSGemm{
    {Lanes16::kLanes, kVectors, 1}, sgemm_6x64_avx512<float>, sgemm_6x64_avx512<int8_t>};
constexpr VectorKernel kVector{quantize<Lanes16>,     dequantize<Lanes16>, round_to_grid<Doubles8>,
                               finite_range<Lanes16>, lookup_words,        lookup_bytes,
                               kNorm<Lanes16>,        kOptimizers<Lanes16>};
constexpr PeakLoops kPeak{peak_int8, peak_float32};
constexpr IntegerKernel kInteger = kIntegerPasses<random_words_x86<Lanes16>>;

}  // namespace
}  // namespace requant::kernels

extern "C" const requant::kernels::KernelSet requant_kernels_avx512vnni{
    &requant::kernels::kQGemm, &requant::kernels::kSGemm, &requant::kernels::kVector,
    &requant::kernels::kPeak,  &requant::kernels::kInt4,  &requant::kernels::kInteger};
