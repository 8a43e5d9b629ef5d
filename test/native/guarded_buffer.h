// Memory between two inaccessible pages: what reads or writes one element too far faults, at either end.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace requant::test {

enum class Flush { start, end };

/// Room for `capacity` elements. place() puts an array of that many or fewer against one of the two guard
/// pages; untouched() tells whether the slack on its other side is still as place() left it.
template <class T>
class GuardedBuffer {
 public:
  explicit GuardedBuffer(size_t capacity)
      : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))),
        usable_((std::max<size_t>(capacity * sizeof(T), 1) + page_ - 1) / page_ * page_) {
    void* memory =
        mmap(nullptr, usable_ + 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail("mmap");
    base_ = static_cast<uint8_t*>(memory);
    if (mprotect(base_, page_, PROT_NONE) != 0 || mprotect(base_ + page_ + usable_, page_, PROT_NONE) != 0) {
      fail("mprotect");
    }
  }
  ~GuardedBuffer() { munmap(base_, usable_ + 2 * page_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  /// `count` elements, all bytes 0xA5, flush to the start or the end.
  T* place(size_t count, Flush flush) {
    const size_t bytes = count * sizeof(T);
    if (bytes > usable_) fail("placing an array within the capacity");
    uint8_t* const begin = base_ + page_;
    const size_t slack = std::min(kSlack, usable_ - bytes);
    uint8_t* const data = flush == Flush::start ? begin : begin + usable_ - bytes;
    slack_begin_ = flush == Flush::start ? data + bytes : data - slack;
    slack_end_ = slack_begin_ + slack;
    std::memset(data, kPaint, bytes);
    std::memset(slack_begin_, kPaint, slack);
    return reinterpret_cast<T*>(data);
  }

  /// A copy of `count` elements.
  T* copy(const T* from, size_t count, Flush flush) {
    T* data = place(count, flush);
    if (count != 0) std::memcpy(data, from, count * sizeof(T));
    return data;
  }

  bool untouched() const {
    return std::all_of(slack_begin_, slack_end_, [](uint8_t byte) { return byte == kPaint; });
  }

 private:
  static constexpr uint8_t kPaint = 0xA5;
  static constexpr size_t kSlack = 256;

  [[noreturn]] static void fail(const char* what) {
    std::fprintf(stderr, "expected %s to succeed\n", what);
    std::abort();
  }

  size_t page_, usable_;
  uint8_t* base_ = nullptr;
  uint8_t* slack_begin_ = nullptr;
  uint8_t* slack_end_ = nullptr;
};

}  // namespace requant::test
