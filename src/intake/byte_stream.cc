#include "intake/byte_stream.h"

#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/bounded_queue.h"
#include "intake/avro_lines.h"

namespace paywarden {
namespace {

Error file_error(const std::string& what, const std::string& path) {
  return {what + ": " + std::strerror(errno), path, "check that the file is there and may be read"};
}

Result<int> open_for_reading(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return tl::unexpected(file_error("cannot open the file", path));
  struct stat status;
  if (::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(fd);
    return fail("is a directory", path, "name a file");
  }
  return fd;
}

Result<size_t> read_some(int fd, char* out, size_t most, const std::string& path) {
  ssize_t n;
  do {
    n = ::read(fd, out, most);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return tl::unexpected(file_error("cannot read the file", path));
  return static_cast<size_t>(n);
}

class PlainFile : public ByteStream {
 public:
  PlainFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~PlainFile() override { ::close(fd_); }
  Result<size_t> read(char* out, size_t most) override {
    Result<size_t> n = read_some(fd_, out, most, path_);
    if (n) consumed_.fetch_add(*n, std::memory_order_relaxed);
    return n;
  }
  uint64_t consumed() const override { return consumed_.load(std::memory_order_relaxed); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int fd_;
  std::atomic<uint64_t> consumed_ = 0;
};

// What the three decompressors share: refilling the input, and the ends.
class Decompressed : public ByteStream {
 public:
  Decompressed(std::unique_ptr<PlainFile> file, const ByteStreamOptions& options)
      : file_(std::move(file)), input_(options.input_bytes) {}
  uint64_t consumed() const override { return file_->consumed(); }

  Result<size_t> read(char* out, size_t most) override {
    size_t made = 0;
    while (made == 0 && !ended_) {
      if (available_ == 0 && !at_end_) {
        TRY_ASSIGN(available_, file_->read(input_.data(), input_.size()));
        next_ = input_.data();
        at_end_ = available_ == 0;
      }
      size_t before = available_;
      TRY_ASSIGN(made, decode(out, most));
      if (made == 0 && at_end_ && !ended_ && available_ == before)
        return damaged("ends before its end");
    }
    return made;
  }

 protected:
  // Decodes what there is of next_/available_ and moves them on; sets ended_ when the data is
  // complete.
  virtual Result<size_t> decode(char* out, size_t most) = 0;

  tl::unexpected<Error> damaged(const std::string& what) const {
    return fail("the compressed data " + what + " (at byte " +
                    std::to_string(consumed() - available_) + ")",
                file_->path(), "get the file again; the rows before that place were read");
  }

  const char* next_ = nullptr;
  size_t available_ = 0;
  bool at_end_ = false;  // of the file
  bool ended_ = false;   // of the data

 private:
  std::unique_ptr<PlainFile> file_;
  std::vector<char> input_;
};

class GzipFile : public Decompressed {
 public:
  GzipFile(std::unique_ptr<PlainFile> file, const ByteStreamOptions& options)
      : Decompressed(std::move(file), options) {
    ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK;  // the largest window, and a gzip header
  }
  ~GzipFile() override { inflateEnd(&stream_); }

 private:
  Result<size_t> decode(char* out, size_t most) override {
    if (!ready_) return damaged("needs more memory than there is");
    if (between_members_ && available_ == 0) {
      ended_ = at_end_;
      return size_t{0};
    }
    between_members_ = false;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(next_));  // zlib reads it only
    stream_.avail_in = static_cast<uInt>(available_);
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(most);
    int code = inflate(&stream_, Z_NO_FLUSH);
    next_ = reinterpret_cast<const char*>(stream_.next_in);
    available_ = stream_.avail_in;
    if (code == Z_STREAM_END) {
      between_members_ = true;  // members may follow each other (RFC 1952, 2.2)
      inflateReset(&stream_);
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return damaged("is damaged (gzip)");
    }
    return most - stream_.avail_out;
  }
  z_stream stream_{};
  bool ready_ = false;
  bool between_members_ = false;
};

class XzFile : public Decompressed {
 public:
  XzFile(std::unique_ptr<PlainFile> file, const ByteStreamOptions& options)
      : Decompressed(std::move(file), options) {
    ready_ = lzma_stream_decoder(&stream_, options.memory_max, LZMA_CONCATENATED) == LZMA_OK;
  }
  ~XzFile() override { lzma_end(&stream_); }

 private:
  Result<size_t> decode(char* out, size_t most) override {
    if (!ready_) return damaged("needs more memory than there is");
    stream_.next_in = reinterpret_cast<const uint8_t*>(next_);
    stream_.avail_in = available_;
    stream_.next_out = reinterpret_cast<uint8_t*>(out);
    stream_.avail_out = most;
    lzma_ret code = lzma_code(&stream_, at_end_ ? LZMA_FINISH : LZMA_RUN);
    next_ = reinterpret_cast<const char*>(stream_.next_in);
    available_ = stream_.avail_in;
    ended_ = code == LZMA_STREAM_END;
    if (code == LZMA_MEMLIMIT_ERROR) return damaged("needs more memory than memory_max");
    if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR)
      return damaged("is damaged (xz)");
    return most - stream_.avail_out;
  }
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ready_ = false;
};

class ZstdFile : public Decompressed {
 public:
  ZstdFile(std::unique_ptr<PlainFile> file, const ByteStreamOptions& options)
      : Decompressed(std::move(file), options) {
    stream_ = ZSTD_createDStream();
  }
  ~ZstdFile() override { ZSTD_freeDStream(stream_); }

 private:
  Result<size_t> decode(char* out, size_t most) override {
    if (!stream_) return damaged("needs more memory than there is");
    if (frame_done_ && available_ == 0) {
      ended_ = at_end_;
      return size_t{0};
    }
    ZSTD_inBuffer in{next_, available_, 0};
    ZSTD_outBuffer to{out, most, 0};
    size_t code = ZSTD_decompressStream(stream_, &to, &in);
    if (ZSTD_isError(code))
      return damaged(std::string("is damaged (zstd: ") + ZSTD_getErrorName(code) + ")");
    next_ += in.pos;
    available_ -= in.pos;
    frame_done_ = code == 0;  // frames may follow each other (RFC 8878, 3.1)
    return to.pos;
  }
  ZSTD_DStream* stream_ = nullptr;
  bool frame_done_ = false;
};

// Another stream read in a thread of its own, some blocks ahead.
class ReadAhead : public ByteStream {
 public:
  ReadAhead(std::unique_ptr<ByteStream> inner, const ByteStreamOptions& options)
      : inner_(std::move(inner)),
        blocks_(options.ahead_blocks),
        block_bytes_(options.ahead_block_bytes) {
    thread_ = std::thread([this] { run(); });
  }
  ~ReadAhead() override {
    blocks_.close();
    thread_.join();
  }
  uint64_t consumed() const override { return inner_->consumed(); }

  Result<size_t> read(char* out, size_t most) override {
    while (at_ == current_.size()) {
      if (ended_) return size_t{0};
      std::vector<Block> next;
      blocks_.pop_all(next, 1);
      ended_ = next.empty() || next[0].bytes.empty();
      if (ended_)
        return next.empty() || !next[0].error ? Result<size_t>(0) : tl::unexpected(*next[0].error);
      current_ = std::move(next[0].bytes);
      at_ = 0;
    }
    size_t n = std::min(most, current_.size() - at_);
    std::memcpy(out, current_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  struct Block {
    std::vector<char> bytes;  // empty: the end, or
    std::optional<Error> error;
  };

  void run() {
    for (bool more = true; more;) {
      Block block;
      block.bytes.resize(block_bytes_);
      Result<size_t> n = inner_->read(block.bytes.data(), block.bytes.size());
      block.bytes.resize(n ? *n : 0);
      if (!n) block.error = n.error();
      more = !block.bytes.empty();
      if (!blocks_.push(std::move(block))) return;
    }
    blocks_.close();
  }

  std::unique_ptr<ByteStream> inner_;
  BoundedQueue<Block> blocks_;
  const size_t block_bytes_;
  std::vector<char> current_;
  size_t at_ = 0;
  bool ended_ = false;
  std::thread thread_;
};

// What is packed otherwise would be taken for a table with an odd header. Nothing where it is not.
std::string_view packed_otherwise(std::string_view s) {
  using namespace std::string_view_literals;
  if (s.starts_with("PK\3\4"sv)) return "a zip archive";
  // The level, and the digits of pi that each block begins with.
  if (s.starts_with("BZh"sv) && s.substr(4).starts_with("1A"sv)) return "compressed with bzip2";
  return {};
}

Result<Compression> compression_of_file(int fd, const std::string& path) {
  char bytes[6];
  ssize_t n = ::pread(fd, bytes, sizeof bytes, 0);
  if (n < 0 && errno != ESPIPE) return tl::unexpected(file_error("cannot read the file", path));
  std::string_view first(bytes, n < 0 ? 0 : static_cast<size_t>(n));
  if (std::string_view packed = packed_otherwise(first); !packed.empty())
    return fail("the file is " + std::string(packed) + ", which is not read", path,
                "unpack it, or compress it with gzip, xz or zstd");
  return compression_of(first);
}

}  // namespace

Compression compression_of(std::string_view s) {
  using namespace std::string_view_literals;
  if (s.starts_with("\x1f\x8b"sv)) return Compression::gzip;
  if (s.starts_with("\xfd"
                    "7zXZ\0"sv))
    return Compression::xz;
  if (s.starts_with("\x28\xb5\x2f\xfd"sv)) return Compression::zstd;
  if (is_avro(s)) return Compression::avro;
  return Compression::none;
}

Result<std::unique_ptr<ByteStream>> open_bytes(const std::string& path,
                                               const ByteStreamOptions& options) {
  TRY_ASSIGN(int fd, open_for_reading(path));
  auto file = std::make_unique<PlainFile>(path, fd);
  TRY_ASSIGN(Compression compression, compression_of_file(fd, path));
  std::unique_ptr<ByteStream> stream;
  switch (compression) {
    case Compression::none:
      return file;
    case Compression::gzip:
      stream = std::make_unique<GzipFile>(std::move(file), options);
      break;
    case Compression::xz:
      stream = std::make_unique<XzFile>(std::move(file), options);
      break;
    case Compression::zstd:
      stream = std::make_unique<ZstdFile>(std::move(file), options);
      break;
    case Compression::avro:
      stream = std::make_unique<AvroLines>(std::move(file), path);
      break;
  }
  if (options.decompress_ahead) stream = std::make_unique<ReadAhead>(std::move(stream), options);
  return stream;
}

Result<std::unique_ptr<GrowingFile>> GrowingFile::open(const std::string& path) {
  TRY_ASSIGN(int fd, open_for_reading(path));
  std::unique_ptr<GrowingFile> file(new GrowingFile(path, fd));
  TRY_ASSIGN(Compression compression, compression_of_file(fd, path));
  if (compression != Compression::none)
    return fail("a compressed file cannot be followed as it grows", path,
                "read it once, without follow");
  return file;
}

GrowingFile::~GrowingFile() {
  ::close(fd_);
}

Result<size_t> GrowingFile::read(char* out, size_t most) {
  TRY_ASSIGN(size_t n, read_some(fd_, out, most, path_));
  offset_ += n;
  consumed_.fetch_add(n, std::memory_order_relaxed);
  if (n > 0 || !replaced_or_cut()) return n;
  Result<int> fd = open_for_reading(path_);
  if (!fd) return size_t{0};  // renamed, and the new one not yet made
  ::close(fd_);
  fd_ = *fd;
  offset_ = 0;
  restarted_ = true;
  return size_t{0};
}

Status GrowingFile::seek(uint64_t offset) {
  if (::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0)
    return tl::unexpected(
        file_error("cannot read the file from byte " + std::to_string(offset), path_));
  offset_ = offset;
  consumed_ = offset;
  return {};
}

Result<std::string> GrowingFile::bytes_at(uint64_t offset, size_t count) const {
  std::string bytes(count, '\0');
  ssize_t n = ::pread(fd_, bytes.data(), count, static_cast<off_t>(offset));
  if (n < 0) return tl::unexpected(file_error("cannot read the file", path_));
  bytes.resize(static_cast<size_t>(n));
  return bytes;
}

bool GrowingFile::replaced_or_cut() const {
  struct stat ours, there;
  if (::fstat(fd_, &ours) != 0) return false;
  if (static_cast<uint64_t>(ours.st_size) < offset_) return true;
  if (::stat(path_.c_str(), &there) != 0) return false;
  return there.st_ino != ours.st_ino || there.st_dev != ours.st_dev;
}

bool GrowingFile::restarted() {
  return std::exchange(restarted_, false);
}

}  // namespace paywarden
