// A fuzzer's input, read piece by piece; zeros follow its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "random.h"

namespace requant::fuzz {

class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : left_(data, size) {}

  bool empty() const { return left_.empty(); }

  uint8_t byte() {
    if (left_.empty()) return 0;
    const uint8_t value = left_.front();
    left_ = left_.subspan(1);
    return value;
  }
  uint16_t word() {
    const uint8_t high = byte();
    return static_cast<uint16_t>(high << 8 | byte());
  }
  /// 0…count − 1
  size_t below(size_t count) { return byte() % count; }
  /// Rarely: what is decoded next is to be wrong in some way. A program has a hundred places for a fault.
  bool fault() { return byte() == 255; }

  /// A length that should be `right`: now and then another one.
  size_t length(size_t right) {
    if (!fault()) return right;
    static constexpr size_t kOthers[] = {0, 1, 2, 7};
    const size_t i = below(6);
    return i < 4 ? kOthers[i] : i == 4 ? right + 1 : right - (right != 0);
  }

  /// Any int32, mostly near the range of codes.
  int32_t integer() {
    const uint8_t kind = byte();
    if (kind < 200) return static_cast<int32_t>(word() % 640) - 192;
    static constexpr int32_t kSpecial[] = {INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX};
    if (kind < 230) return kSpecial[kind % 6];
    return static_cast<int32_t>(static_cast<uint32_t>(word()) << 16 | word());
  }

  float number() {
    switch (byte() % 8) {
      case 0:
        return test::Random(byte()).special();
      case 1:
        return test::Random(word()).any_float();
      case 2:
        return test::Random(word()).scaled(-100, 100);
      default:
        return test::Random(word()).scaled(-6, 6);
    }
  }
  /// A legal scale, nearly always.
  float scale() {
    if (fault()) return number();
    static constexpr float kEnds[] = {0x1p-100F, 0x1p126F, 1.0F, 0x1p-20F};
    const uint8_t kind = byte();
    if (kind < 8) return kEnds[kind % 4];
    const float value = test::Random(word()).scaled(-8, 2);
    return value > 0 ? value : 0.0625F - value;
  }

  std::vector<uint8_t> codes(size_t count) {
    std::vector<uint8_t> all(count);
    const uint8_t kind = byte();
    if (kind < 48) {
      static constexpr uint8_t kSame[] = {0x00, 0x7F, 0x80, 0xFF};
      all.assign(count, kSame[kind % 4]);
    } else {
      test::Random(kind).fill_bytes(all.data(), count);
    }
    return all;
  }
  std::vector<float> numbers(size_t count) {
    std::vector<float> all(count);
    test::Random random(word());
    const bool wild = byte() % 8 == 0;
    for (float& v : all) v = wild && random.chance(7) ? random.special() : random.scaled(-6, 4);
    return all;
  }
  std::vector<float> scales(size_t count) {
    std::vector<float> all(count, scale());
    for (size_t i = 1; i < count && i < 4; ++i) all[i] = scale();
    return all;
  }
  std::vector<int32_t> integers(size_t count) {
    std::vector<int32_t> all(count);
    test::Random random(word());
    const bool wild = byte() % 8 == 0;
    for (int32_t& v : all) v = wild ? random.integer() : static_cast<int32_t>(random.between(-9000, 9000));
    return all;
  }

 private:
  std::span<const uint8_t> left_;
};

}  // namespace requant::fuzz
