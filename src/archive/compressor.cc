#include "archive/compressor.h"

#include <zlib.h>
#include <zstd.h>

#include <array>

#include "base/check.h"

namespace paywarden {
namespace {

constexpr size_t kBlockBytes = 256 * 1024;
constexpr int kGzipLevel = 6;  // zlib's own default
constexpr int kZstdLevel = 3;  // the same of zstd
constexpr int kGzip = 16 + MAX_WBITS, kRaw = -MAX_WBITS;

}  // namespace

std::string_view name_of(ArchiveCompression compression) {
  constexpr std::array<std::string_view, 3> kNames = {"none", "gzip", "zstd"};
  return kNames[static_cast<size_t>(compression)];
}

class Compressor::Stream {
 public:
  virtual ~Stream() = default;
  virtual void put(std::string_view bytes, bool last, std::string& out) = 0;
};

namespace {

class PlainStream : public Compressor::Stream {
 public:
  void put(std::string_view bytes, bool, std::string& out) override { out.append(bytes); }
};

class ZlibStream : public Compressor::Stream {
 public:
  explicit ZlibStream(int window_bits) {
    int ready = deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
    CHECK(ready == Z_OK, "no memory for a compressor");
  }
  ~ZlibStream() override { deflateEnd(&stream_); }
  ZlibStream(const ZlibStream&) = delete;
  ZlibStream& operator=(const ZlibStream&) = delete;

  void put(std::string_view bytes, bool last, std::string& out) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece_.data());
      stream_.avail_out = static_cast<uInt>(piece_.size());
      int done = deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
      CHECK(done != Z_STREAM_ERROR, "a compressor that was used wrongly");
      out.append(piece_.data(), piece_.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

 private:
  z_stream stream_{};
  std::array<char, 64 * 1024> piece_;
};

class ZstdStream : public Compressor::Stream {
 public:
  ZstdStream() : context_(ZSTD_createCCtx()) {
    CHECK(context_, "no memory for a compressor");
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
  }
  ~ZstdStream() override { ZSTD_freeCCtx(context_); }
  ZstdStream(const ZstdStream&) = delete;
  ZstdStream& operator=(const ZstdStream&) = delete;

  void put(std::string_view bytes, bool last, std::string& out) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (bool done = false; !done;) {
      ZSTD_outBuffer to{piece_.data(), piece_.size(), 0};
      size_t left = ZSTD_compressStream2(context_, &to, &in, last ? ZSTD_e_end : ZSTD_e_continue);
      CHECK(!ZSTD_isError(left), "a compressor that was used wrongly");
      out.append(piece_.data(), to.pos);
      done = last ? left == 0 : in.pos == in.size;
    }
  }

 private:
  ZSTD_CCtx* context_;
  std::array<char, 128 * 1024> piece_;
};

std::unique_ptr<Compressor::Stream> new_stream(ArchiveCompression compression) {
  switch (compression) {
    case ArchiveCompression::none:
      return std::make_unique<PlainStream>();
    case ArchiveCompression::gzip:
      return std::make_unique<ZlibStream>(kGzip);
    case ArchiveCompression::zstd:
      return std::make_unique<ZstdStream>();
  }
  return nullptr;
}

}  // namespace

Compressor::Compressor(ArchiveCompression compression) : stream_(new_stream(compression)) {
  block_.reserve(kBlockBytes);
}
Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;

void Compressor::add(std::string_view bytes) {
  bytes_in_ += bytes.size();
  while (block_.size() + bytes.size() >= kBlockBytes) {
    std::string_view part = bytes.substr(0, kBlockBytes - block_.size());
    block_.append(part);
    bytes.remove_prefix(part.size());
    stream_->put(block_, false, out_);
    block_.clear();
  }
  block_.append(bytes);
}

std::string Compressor::finish() {
  stream_->put(block_, true, out_);
  return std::move(out_);
}

std::string deflated(std::string_view bytes) {
  std::string out;
  ZlibStream(kRaw).put(bytes, true, out);
  return out;
}

}  // namespace paywarden
