// A file's bytes in order, decompressed on the way where its first bytes say gzip, xz or Zstandard; an Avro container comes as lines of
// JSON.
//
//   Result<std::unique_ptr<ByteStream>> bytes = open_bytes("payments.csv.xz", options);
//   Result<size_t> n = (*bytes)->read(buffer, sizeof buffer);   // 0: the end
//
// One object, one thread; consumed() may be asked from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace paywarden {

struct ByteStreamOptions {
  size_t input_bytes =
      256 * 1024;  // one read of the file: large enough that the system call costs nothing
  uint64_t memory_max =
      512ull << 20;  // of a decompressor, bytes: `xz -9` takes 65 MiB, `zstd --ultra -22` 128 MiB
  size_t ahead_block_bytes = 256 * 1024;  // decompressed bytes handed from thread to thread at once
  size_t ahead_blocks =
      8;  // and how many may wait: 2 MiB, so that neither side waits for the other's jitter
  bool decompress_ahead = true;  // in a thread of its own
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // At most `most` bytes; 0 at the end, or in a file that may still grow: nothing for now.
  virtual Result<size_t> read(char* out, size_t most) = 0;
  // Bytes of the file itself, for showing progress.
  virtual uint64_t consumed() const = 0;
};

enum class Compression : uint8_t { none, gzip, xz, zstd, avro };  // avro: a container, avro_lines.h
Compression compression_of(std::string_view first_bytes);         // 6 are enough

Result<std::unique_ptr<ByteStream>> open_bytes(const std::string& path,
                                               const ByteStreamOptions& options);

// A file that is read as it grows. When it was cut short or another stands in its place (log
// rotation), reading goes on with the first byte of what is there now, after the old file's last
// one. Not for compressed files.
class GrowingFile : public ByteStream {
 public:
  static Result<std::unique_ptr<GrowingFile>> open(const std::string& path);
  ~GrowingFile() override;
  Result<size_t> read(char* out, size_t most) override;
  uint64_t consumed() const override { return consumed_.load(std::memory_order_relaxed); }
  // Goes on at this byte.
  Status seek(uint64_t offset);
  // The bytes there, fewer at the end; where reading goes on stays.
  Result<std::string> bytes_at(uint64_t offset, size_t count) const;
  // True once after the file was replaced or cut: an unfinished line of the old one will not be
  // continued.
  bool restarted();

 private:
  GrowingFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  bool replaced_or_cut() const;
  std::string path_;
  int fd_;
  uint64_t offset_ = 0;
  bool restarted_ = false;
  std::atomic<uint64_t> consumed_ = 0;
};

}  // namespace paywarden
