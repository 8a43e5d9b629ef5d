// Where packing puts each weight, and the sums at the head of a panel, in every kind of layout; and
// unpacking.
#include "gemm/packed_weights.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "kernels_here.h"
#include "random.h"

namespace {

using namespace requant;
using kernels::PanelLayout;
using kernels::WeightLayout;
using test::check;

constexpr WeightLayout kLayouts[] = {
    {{16, 1, 1}}, {{8, 2, 2}}, {{16, 4, 4}, {4, 4, 16}}, {{4, 4, 4, 4}}, {{4, 4, 8}}};

void compare(const WeightLayout& layout, size_t n, size_t k) {
  std::vector<int8_t> w(n * k);
  test::Random random(n * 1000 + k);
  random.fill_bytes(reinterpret_cast<uint8_t*>(w.data()), w.size());
  const auto packed = gemm::PackedWeights::make(layout, {w.data(), false, n, k, {}});
  if (!check(packed.ok(), "packing")) return;
  const int8_t* at = packed.value->data();
  bool same = true;
  for (size_t first = 0; first < n; first += layout.wide.columns()) {
    const size_t left = n - first;
    const size_t width = left < layout.wide.columns() ? left : layout.wide.columns();
    const PanelLayout& panel = layout.of(width);
    const size_t columns = round_up(width, panel.lanes);
    for (size_t c = 0; layout.wide.head != 0 && c < columns; ++c, at += sizeof(int32_t)) {
      int32_t head = 0;
      std::memcpy(&head, at, sizeof(head));
      int32_t sum = 0;
      for (size_t i = 0; c < width && i < k; ++i) sum += w[(first + c) * k + i];
      same &= head == 128 * sum;
    }
    for (size_t group = 0; group < k; group += panel.k_group) {
      for (size_t c = 0; c < columns; ++c) {
        for (size_t i = group; i < group + panel.k_group; ++i) {
          same &= *at++ == (c < width && i < k ? w[(first + c) * k + i] : 0);
        }
      }
    }
  }
  check(same, std::to_string(n) + "×" + std::to_string(k) + " differs");
  check(at == packed.value->data() + gemm::packed_size(layout, n, k), "the size is what the panels take");
}

void every_layout() {
  for (const WeightLayout& layout : kLayouts) {
    for (const size_t n : {1, 4, 5, 15, 16, 17, 63, 64, 65, 80, 130}) {
      for (const size_t k : {1, 3, 4, 7, 8, 16, 17, 300}) compare(layout, n, k);
    }
  }
}

/// u8 weights are packed less 128, and so are their sums.
void unsigned_weights() {
  const uint8_t w[] = {0, 128, 255, 130};
  const auto packed = gemm::PackedWeights::make(kLayouts[3], {w, true, 1, 4, {}});
  int32_t head = 0;
  std::memcpy(&head, packed.value->data(), sizeof(head));
  check(head == 128 * (-128 + 0 + 127 + 2), "the head sums what is packed");
}

/// Unpacking gives back what was packed, whatever the kernel's layout and the shape.
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

/// Sparse panels hold what dense ones do.
void sparse_round_trip() {
  const kernels::WeightLayout layout = kLayouts[2];
  test::Random random(9);
  for (const size_t columns : kColumns) {
    for (const size_t k : {63U, 64U, 65U, 80U, 200U, 1000U}) {
      for (const uint64_t live : {0U, 5U, 30U, 44U, 60U}) {
        std::vector<int8_t> source(columns * k);
        for (size_t first = 0; first < columns; first += 4) {
          for (size_t i = 0; i < k; ++i) {
            if (random.word() % 100 >= live) continue;
            // Some weights of a block that is not 0 are.
            for (size_t c = first; c < std::min(first + 4, columns); ++c)
              source[c * k + i] = static_cast<int8_t>(random.between(-2, 2));
          }
        }
        const auto packed = gemm::PackedWeights::make(layout, {source.data(), false, columns, k, {}},
                                                      gemm::SparsePanels::kWorthwhile);
        if (!check(packed.ok(), "packing")) return;
        const bool many = live == 60 || k < kernels::SparseLayout::kWindow;
        if (columns >= 4 && (many || live <= 5))
          check(packed.value->is_sparse() == !many, "sparse where it pays: " + std::to_string(k));
        check(packed.value->is_sparse() ? packed.value->work() <= gemm::SparsePanels::kWorthwhile
                                        : packed.value->work() == 1,
              "work");
        std::vector<int8_t> out(source.size(), 1);
        packed.value->unpack(false, out.data());
        check(out == source, std::to_string(columns) + " sparse columns of " + std::to_string(k));
      }
    }
  }
}

}  // namespace

int main() {
  test::run_case("sparse weights: unpacked", sparse_round_trip);
  test::run_case("packed weights: every layout", every_layout);
  test::run_case("packed weights: u8 weights at the head", unsigned_weights);
  for (const dispatch::Kernel* kernel : test::kernels_here())
    test::run_case(std::string("unpacked weights: ") + kernel->name, [&] { round_trip(*kernel); });
  return test::finish();
}
