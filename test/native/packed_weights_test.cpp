// Unpacking gives back what was packed, whatever the kernel's layout and the shape.
#include <cstdint>
#include <string>
#include <vector>

#include "check.h"
#include "gemm/packed_weights.h"
#include "kernels_here.h"
#include "random.h"

namespace {

using namespace requant;
using test::check;

constexpr size_t kColumns[] = {1, 3, 15, 16, 17, 31, 33, 48, 63, 64, 65, 100, 130};
constexpr size_t kDepths[] = {1, 2, 3, 4, 5, 7, 8, 13, 64, 100};

void round_trip(const dispatch::Kernel& kernel) {
  test::Random random(8);
  for (const size_t columns : kColumns) {
    for (const size_t k : kDepths) {
      std::vector<uint8_t> source(columns * k);
      random.fill_bytes(source.data(), source.size());
      for (const bool is_unsigned : {false, true}) {
        const auto packed = gemm::PackedWeights::make(kernel.set->qgemm->layout,
                                                      {source.data(), is_unsigned, columns, k, {}});
        check(packed.ok(), packed.status.message());
        std::vector<uint8_t> out(source.size());
        packed.value->unpack(is_unsigned, reinterpret_cast<int8_t*>(out.data()));
        check(out == source, std::to_string(columns) + " columns of " + std::to_string(k));
      }
    }
  }
}

}  // namespace

int main() {
  for (const dispatch::Kernel* kernel : test::kernels_here())
    test::run_case(std::string("unpacked weights: ") + kernel->name, [&] { round_trip(*kernel); });
  return test::finish();
}
