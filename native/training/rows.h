// Rows of a batch: copied together from a data set, and summed up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace requant::training {

/// out[i] = source[rows[i]], `features` values each. Every row lies within the source.
void gather_rows(const float* source, size_t features, std::span<const uint32_t> rows, float* out) noexcept;
void gather_rows(const uint8_t* source, size_t features, std::span<const uint32_t> rows, float* out) noexcept;

/// out[c] = Σ matrix[r, c], rows ascending from 0.
void column_sums(std::span<const float> matrix, std::span<float> out) noexcept;

}  // namespace requant::training
