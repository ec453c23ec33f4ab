// Bytes of any length to a sink in chunks: snapshots are written without holding them whole.
//
//   ChunkedWriter out([&](std::string_view chunk) { return file.write(chunk); });
//   out.bytes().u64(7); ...; out.checkpoint();   // now and then: passes on what has gathered
//   TRY(out.finish());
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/byte_io.h"
#include "base/result.h"

namespace paywarden {

class ChunkedWriter {
 public:
  using Sink = std::function<Status(std::string_view)>;
  explicit ChunkedWriter(Sink sink) : sink_(std::move(sink)), writer_(buffer_) {}
  ByteWriter& bytes() { return writer_; }
  std::string& buffer() { return buffer_; }
  // Call between small writes; hands a chunk on once there is a mebibyte.
  void checkpoint() {
    if (buffer_.size() >= (size_t{1} << 20)) flush();
  }
  Status finish() {
    flush();
    return status_;
  }

 private:
  void flush() {
    if (status_ && !buffer_.empty()) status_ = sink_(buffer_);
    buffer_.clear();
  }
  Sink sink_;
  std::string buffer_;
  ByteWriter writer_;
  Status status_;
};

}  // namespace paywarden
