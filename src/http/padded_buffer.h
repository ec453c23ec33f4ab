// Bytes that may be read beyond their end (never written): simdjson loads whole vectors. Capacity
// survives clear().
//
//   PaddedBuffer body;
//   body.append(piece);
//   parse(body.view());   // kBodyPadding bytes after the view are readable, with any content
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

namespace paywarden::http {

inline constexpr size_t kBodyPadding = 64;  // bytes; simdjson asks for 64 (SIMDJSON_PADDING)

class PaddedBuffer {
 public:
  std::string_view view() const { return {bytes_.get(), size_}; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }

  void append(std::string_view piece) {
    if (piece.empty()) return;
    reserve(size_ + piece.size());
    std::memcpy(bytes_.get() + size_, piece.data(), piece.size());
    size_ += piece.size();
  }

  void reserve(size_t wanted) {
    if (wanted <= capacity_) return;
    size_t grown = std::max({wanted, capacity_ * 2, size_t{1024}});
    std::unique_ptr<char[]> larger(new char[grown + kBodyPadding]);
    if (size_) std::memcpy(larger.get(), bytes_.get(), size_);
    std::memset(larger.get() + grown, 0, kBodyPadding);
    bytes_ = std::move(larger);
    capacity_ = grown;
  }

  // Forgets the bytes; memory beyond `keep_max` bytes goes back.
  void clear(size_t keep_max = 64 * 1024) {
    size_ = 0;
    if (capacity_ <= keep_max) return;
    bytes_.reset();
    capacity_ = 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace paywarden::http
