// Bytes into a compressed stream whose bytes depend on nothing but the input: no time stamp, no name, one thread, fed in blocks of one
// size however the input comes.
//
//   Compressor compressor(ArchiveCompression::gzip);
//   compressor.add(line);           // again and again
//   std::string bytes = compressor.finish();
//
// Another version of zlib or libzstd may give other bytes of the same content. One object, one stream, one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace paywarden {

enum class ArchiveCompression : uint8_t { none, gzip, zstd };
std::string_view name_of(ArchiveCompression compression);

class Compressor {
 public:
  explicit Compressor(ArchiveCompression compression);
  ~Compressor();
  Compressor(Compressor&&) noexcept;
  void add(std::string_view bytes);
  std::string finish();
  size_t bytes_in() const { return bytes_in_; }

  class Stream;  // one kind of compression

 private:
  std::unique_ptr<Stream> stream_;
  std::string block_, out_;
  size_t bytes_in_ = 0;
};

// zlib's stream without a header, as Avro's codec `deflate` wants it.
std::string deflated(std::string_view bytes);

}  // namespace paywarden
