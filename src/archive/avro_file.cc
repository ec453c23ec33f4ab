#include "archive/avro_file.h"

#include <array>
#include <utility>

#include "base/digest.h"

namespace paywarden {
namespace {

constexpr size_t kBlockBytes = 256 * 1024;  // compressed as one; a reader holds one in memory
constexpr size_t kSyncBytes = 16;

std::string_view codec_of(ArchiveCompression compression) {
  constexpr std::array<std::string_view, 3> kCodecs = {"null", "deflate", "zstandard"};
  return kCodecs[static_cast<size_t>(compression)];
}

std::string compressed(std::string_view block, ArchiveCompression compression) {
  if (compression == ArchiveCompression::gzip) return deflated(block);
  Compressor compressor(compression);
  compressor.add(block);
  return compressor.finish();
}

}  // namespace

AvroFile::AvroFile(std::string_view schema, ArchiveCompression compression, const std::string& name)
    : compression_(compression) {
  Sha256 hash = sha256(name);
  sync_.assign(reinterpret_cast<const char*>(hash.data()), kSyncBytes);
  out_.append("Obj\x01", 4);
  AvroWriter w(out_);
  w.items(2);
  w.text("avro.schema");
  w.text(schema);
  w.text("avro.codec");
  w.text(codec_of(compression));
  w.end_items();
  out_.append(sync_);
}

void AvroFile::end_record() {
  ++block_records_;
  if (block_.size() >= kBlockBytes) end_block();
}

void AvroFile::end_block() {
  std::string packed = compressed(block_, compression_);
  AvroWriter w(out_);
  w.integer(block_records_);
  w.text(packed);
  out_.append(sync_);
  bytes_in_ += block_.size();
  block_.clear();
  block_records_ = 0;
}

std::string AvroFile::take() {
  return std::exchange(out_, {});
}

std::string AvroFile::finish() {
  if (block_records_ > 0) end_block();
  return take();
}

}  // namespace paywarden
