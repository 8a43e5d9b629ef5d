#include "gemm/packed_weights.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

#include "dispatch/registry.h"

namespace requant::gemm {

using kernels::kColumnPad;
using kernels::PanelLayout;
using kernels::WeightLayout;

size_t packed_size(const WeightLayout& layout, size_t columns, size_t k) noexcept {
  const size_t last = columns % layout.wide.columns();
  const PanelLayout& tail = layout.of(last);
  return (columns - last) * layout.wide.depth(k) + round_up(last, tail.lanes) * tail.depth(k);
}

namespace {

/// Where a panel's values lie behind its head: [k group][column][k within the group].
struct Place {
  size_t begin, group, group_size;

  Place(const PanelLayout& panel, size_t width, size_t offset) noexcept
      : begin(offset + round_up(width, panel.lanes) * panel.head),
        group(panel.k_group),
        group_size(round_up(width, panel.lanes) * panel.k_group) {}

  size_t of(size_t column, size_t i) const noexcept {
    return begin + i / group * group_size + column * group + i % group;
  }
};

/// Writes the head of each panel: 128·Σk w a column, which makes up for activations taken as a − 128.
void pack_sums(const WeightLayout& layout, const int8_t* source, size_t columns, size_t k,
               int8_t* packed) noexcept {
  for_each_panel(layout.wide, columns, k, [&](size_t first, size_t width, size_t offset) {
    for (size_t c = 0; c < width; ++c) {
      const int8_t* w = source + (first + c) * k;
      const uint32_t sum = static_cast<uint32_t>(std::accumulate(w, w + k, int64_t{0})) * 128;
      std::memcpy(packed + offset + c * sizeof(sum), &sum, sizeof(sum));
    }
  });
}

/// One column, `Group` values at a time, each `group_size` after the one before.
template <size_t Group, class T>
void copy_groups(const T* source, size_t k, size_t group_size, T* column) noexcept {
  size_t i = 0;
  for (; i + Group <= k; i += Group, column += group_size) std::memcpy(column, source + i, Group * sizeof(T));
  if (i < k) std::memcpy(column, source + i, (k - i) * sizeof(T));
}

template <class T>
void copy_column(size_t group, const T* source, size_t k, size_t group_size, T* column) noexcept {
  switch (group) {  // a copy of a size that the compiler knows is one instruction
    case 1:
      return copy_groups<1>(source, k, group_size, column);
    case 2:
      return copy_groups<2>(source, k, group_size, column);
    case 4:
      return copy_groups<4>(source, k, group_size, column);
    case 8:
      return copy_groups<8>(source, k, group_size, column);
    default:
      for (size_t i = 0; i < k; ++i) column[i / group * group_size + i % group] = source[i];
  }
}

/// Σ max(w − zw, 0) and Σ min(w − zw, 0) of a row.
struct SignedSums {
  int64_t positive = 0;
  int64_t negative = 0;
};

SignedSums signed_sums(const int8_t* row, size_t k, int32_t zero_point) noexcept {
  constexpr size_t kPart = size_t{1} << 22;  // 2^22 values below 2^9 fit int32
  SignedSums sums;
  for (size_t begin = 0; begin < k; begin += kPart) {
    int32_t positive = 0, negative = 0;
    const size_t end = std::min(k, begin + kPart);
    for (size_t i = begin; i < end; ++i) {
      const int32_t w = row[i] - zero_point;
      positive += std::max(w, 0);
      negative += std::min(w, 0);
    }
    sums.positive += positive;
    sums.negative += negative;
  }
  return sums;
}

}  // namespace

template <class T>
void pack(const WeightLayout& layout, const T* source, size_t column_stride, size_t k_stride, size_t columns,
          size_t k, T* packed) noexcept {
  for_each_panel(layout.wide, columns, k, [&](size_t first, size_t width, size_t offset) {
    const Place place(layout.of(width), width, offset);
    // The source is read along its rows.
    if (k_stride == 1) {
      for (size_t c = 0; c < width; ++c) {
        copy_column(place.group, source + (first + c) * column_stride, k, place.group_size,
                    packed + place.of(c, 0));
      }
    } else {
      for (size_t i = 0; i < k; ++i) {
        for (size_t c = 0; c < width; ++c)
          packed[place.of(c, i)] = source[(first + c) * column_stride + i * k_stride];
      }
    }
  });
}

template void pack<float>(const WeightLayout&, const float*, size_t, size_t, size_t, size_t, float*) noexcept;
template void pack<int8_t>(const WeightLayout&, const int8_t*, size_t, size_t, size_t, size_t,
                           int8_t*) noexcept;

Result<std::shared_ptr<const PackedWeights>> PackedWeights::make(const kernels::QGemmKernel& kernel,
                                                                 const WeightSource& source) {
  const bool has_sparse = dispatch::sparse_panel_of(kernel) != nullptr;
  return make(kernel.layout, source, has_sparse ? SparsePanels::kWorthwhile : 0);
}

Result<std::shared_ptr<const PackedWeights>> PackedWeights::make(const WeightLayout& layout,
                                                                 const WeightSource& source,
                                                                 double most_sparse_work) {
  const size_t n = source.out_features;
  const size_t k = source.in_features;
  auto weights = std::make_shared<PackedWeights>();
  weights->layout_ = layout;
  weights->out_features_ = n;
  weights->in_features_ = k;

  // u8 weights become s8 by subtracting 128 from the weights and their zero point.
  const int32_t offset = source.is_unsigned ? 128 : 0;
  const auto zero_point = [&](size_t column) {
    if (source.zero_point.empty()) return -offset;
    return source.zero_point[source.zero_point.size() == 1 ? 0 : column] - offset;
  };
  AlignedBuffer<int8_t> packed;
  AlignedBuffer<int8_t> shifted;
  const auto* rows = static_cast<const int8_t*>(source.data);
  const bool allocated = weights->positive_.allocate(n) && weights->negative_.allocate(n) &&
                         (!source.is_unsigned || shifted.allocate(n * k));
  if (!allocated) return out_of_memory(n * k);
  if (source.is_unsigned) {
    // Flipping the top bit of u8 is subtracting 128 from it as s8.
    std::transform(rows, rows + n * k, shifted.data(),
                   [](int8_t w) { return static_cast<int8_t>(w ^ -128); });
    rows = shifted.data();
  }
  if (most_sparse_work > 0) {
    auto sparse = SparsePanels::make(rows, n, k, most_sparse_work);
    if (!sparse.ok()) return sparse.status;
    weights->sparse_ = std::move(sparse.value);
  }
  if (!weights->is_sparse()) {
    if (!packed.allocate(packed_size(layout, n, k))) return out_of_memory(packed_size(layout, n, k));
    pack(layout, rows, k, 1, n, k, packed.data());
    if (layout.wide.head != 0) pack_sums(layout, rows, n, k, packed.data());
    weights->packed_ = SharedBuffer<int8_t>(std::move(packed));
    weights->packed_.share();
  }

  bool any_zero_point = false;
  for (size_t column = 0; column < n; ++column) {
    const int32_t zw = zero_point(column);
    any_zero_point |= zw != 0;
    const SignedSums sums = signed_sums(rows + column * k, k, zw);
    weights->positive_[column] = sums.positive;
    weights->negative_[column] = sums.negative;
  }
  if (any_zero_point) {
    if (!weights->minus_zero_point_.allocate(round_up(n, kColumnPad))) return out_of_memory(n * 4);
    for (size_t column = 0; column < n; ++column) weights->minus_zero_point_[column] = -zero_point(column);
  }
  return std::shared_ptr<const PackedWeights>(std::move(weights));
}

void PackedWeights::unpack(bool is_unsigned, int8_t* out) const noexcept {
  const int flip = is_unsigned ? -128 : 0;
  if (is_sparse()) {
    std::fill_n(out, out_features_ * in_features_, int8_t{0});
    sparse_.unpack(out_features_, in_features_, out);
    std::transform(out, out + out_features_ * in_features_, out,
                   [&](int8_t w) { return static_cast<int8_t>(w ^ flip); });
    return;
  }
  for_each_panel(layout_.wide, out_features_, in_features_, [&](size_t first, size_t width, size_t offset) {
    const Place place(layout_.of(width), width, offset);
    for (size_t c = 0; c < width; ++c) {
      int8_t* row = out + (first + c) * in_features_;
      for (size_t i = 0; i < in_features_; ++i) row[i] = static_cast<int8_t>(packed_[place.of(c, i)] ^ flip);
    }
  });
}

size_t PackedWeights::bytes() const noexcept {
  return packed_.bytes() + (is_sparse() ? sparse_.bytes() : 0) + positive_.bytes() + negative_.bytes() +
         minus_zero_point_.bytes();
}

Status PackedWeights::check_bound(std::span<const int32_t> bias, int64_t x_lo, int64_t x_hi) const {
  for (size_t column = 0; column < out_features_; ++column) {
    const auto [lo, hi] = bound(column, bias, x_lo, x_hi);
    if (hi <= INT32_MAX && lo >= INT32_MIN) continue;
    return {Code::overflow, "expected the accumulators of output feature " + std::to_string(column) +
                                " to fit int32 but received those in [" + std::to_string(lo) + ", " +
                                std::to_string(hi) + "]"};
  }
  return {};
}

}  // namespace requant::gemm
