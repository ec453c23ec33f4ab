#include <algorithm>
#include <cstring>

#include "http/wire.h"

namespace paywarden::http {

std::pair<char*, size_t> InputBuffer::prepare(size_t least) {
  size_t held = end_ - begin_;
  if (held == 0) begin_ = end_ = 0;
  if (capacity_ - end_ >= least) return {bytes_.get() + end_, capacity_ - end_};
  if (held + least <= capacity_) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, held);
  } else {
    size_t capacity = std::max(held + least, size_t{4096} - kBodyPadding);
    std::unique_ptr<char[]> larger(new char[capacity + kBodyPadding]);
    std::memset(larger.get() + capacity, 0, kBodyPadding);
    if (held) std::memcpy(larger.get(), bytes_.get() + begin_, held);
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = held;
  return {bytes_.get() + end_, capacity_ - end_};
}

}  // namespace paywarden::http
