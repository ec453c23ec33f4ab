#include "intake/avro_lines.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

namespace paywarden {
namespace {

constexpr std::string_view kMagic = "Obj\x01";
constexpr size_t kSyncBytes = 16;
constexpr size_t kBlockBytesMax = size_t{64} << 20;
constexpr size_t kHeadEntriesMax = 1'000;
constexpr size_t kReadBytes = 256 * 1024;

// Raw deflate (RFC 1951); nothing: damaged, or more than a block may have.
std::optional<std::string> inflated(std::string_view block) {
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));  // zlib reads it only
  stream.avail_in = static_cast<uInt>(block.size());
  std::string out;
  int code = Z_OK;
  while (code == Z_OK && out.size() < kBlockBytesMax) {
    size_t before = out.size();
    out.resize(std::min(kBlockBytesMax, std::max(before * 2, kReadBytes)));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(out.size() - before);
    code = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() == before) break;
  }
  inflateEnd(&stream);
  if (code != Z_STREAM_END) return std::nullopt;
  return out;
}

std::optional<std::string> unzstd(std::string_view block) {
  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                  ZSTD_freeDStream);
  ZSTD_inBuffer in{block.data(), block.size(), 0};
  std::string out;
  size_t left = 1;
  while (left != 0 && out.size() < kBlockBytesMax) {
    size_t before = out.size();
    out.resize(std::min(kBlockBytesMax, std::max(before * 2, kReadBytes)));
    ZSTD_outBuffer to{out.data() + before, out.size() - before, 0};
    size_t input_before = in.pos;
    left = ZSTD_decompressStream(stream.get(), &to, &in);
    out.resize(before + to.pos);
    if (ZSTD_isError(left) != 0) return std::nullopt;
    if (to.pos == 0 && in.pos == input_before) break;
  }
  if (left != 0 || in.pos != in.size) return std::nullopt;
  return out;
}

}  // namespace

bool is_avro(std::string_view first_bytes) {
  return first_bytes.starts_with(kMagic);
}

Result<size_t> AvroLines::read(char* out, size_t most) {
  if (!schema_) TRY(read_head());
  while (lines_at_ == lines_.size() && !ended_) TRY(read_block());
  size_t count = std::min(most, lines_.size() - lines_at_);
  std::memcpy(out, lines_.data() + lines_at_, count);
  lines_at_ += count;
  return count;
}

Status AvroLines::read_head() {
  TRY_ASSIGN(std::string magic, bytes(kMagic.size()));
  if (magic != kMagic) return damaged("is no Avro object container");
  std::string schema, codec = "null";
  for (size_t seen = 0;;) {
    TRY_ASSIGN(auto count, number());
    if (!count) return damaged("ends in its head");
    if (*count == 0) break;
    if (*count < 0) TRY(number());  // the size of what follows
    for (int64_t i = 0, n = *count < 0 ? -*count : *count; i < n; ++i) {
      if (++seen > kHeadEntriesMax) return damaged("has a head without end");
      TRY_ASSIGN(std::string key, text());
      TRY_ASSIGN(std::string value, text());
      if (key == "avro.schema") schema = std::move(value);
      if (key == "avro.codec") codec = std::move(value);
    }
  }
  TRY_ASSIGN(sync_, bytes(kSyncBytes));
  if (codec == "deflate")
    codec_ = Codec::deflate;
  else if (codec == "zstandard")
    codec_ = Codec::zstandard;
  else if (codec != "null")
    return fail("the codec '" + codec.substr(0, 32) + "' is not read here", path_,
                "write it with null, deflate or zstandard");
  auto parsed = AvroSchema::parse(schema);
  if (!parsed) return fail(parsed.error().what, path_);
  schema_ = std::move(*parsed);
  return {};
}

Status AvroLines::read_block() {
  TRY_ASSIGN(auto records, number());
  if (!records) {
    ended_ = true;
    return {};
  }
  TRY_ASSIGN(auto size, number());
  if (*records < 0 || !size || *size < 0 || static_cast<uint64_t>(*size) > kBlockBytesMax)
    return damaged("has a block that is none");
  TRY_ASSIGN(std::string packed, bytes(static_cast<size_t>(*size)));
  TRY_ASSIGN(std::string sync, bytes(kSyncBytes));
  if (sync != sync_) return damaged("has a damaged block");
  TRY_ASSIGN(std::string block, unpacked(packed));
  lines_.clear();
  lines_at_ = 0;
  ByteReader in(block);
  for (int64_t i = 0; i < *records; ++i) {
    if (!schema_->append_json(in, lines_) || lines_.size() > 4 * kBlockBytesMax)
      return damaged("has a record that is not as its schema says");
    lines_ += '\n';
  }
  if (!in.at_end()) return damaged("has a block with more than its records");
  return {};
}

Result<std::string> AvroLines::unpacked(std::string_view block) const {
  if (codec_ == Codec::none) return std::string(block);
  auto out = codec_ == Codec::deflate ? inflated(block) : unzstd(block);
  if (!out) return damaged("has a block that cannot be decompressed");
  return std::move(*out);
}

// False: the file ends here.
Result<bool> AvroLines::fill() {
  if (input_at_ < input_.size()) return true;
  used_ += input_.size();
  input_at_ = 0;
  input_.resize(kReadBytes);
  auto count = file_->read(input_.data(), input_.size());
  input_.resize(count ? *count : 0);
  if (!count) return tl::unexpected(count.error());
  return *count > 0;
}

Result<std::optional<int64_t>> AvroLines::number() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    TRY_ASSIGN(bool more, fill());
    if (!more && shift == 0) return std::optional<int64_t>();
    if (!more) return damaged("ends before its end");
    auto byte = static_cast<uint8_t>(input_[input_at_++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0)
      return std::optional<int64_t>(static_cast<int64_t>(value >> 1) ^
                                    -static_cast<int64_t>(value & 1));
  }
  return damaged("has a number that is none");
}

Result<std::string> AvroLines::bytes(size_t count) {
  std::string out;
  while (out.size() < count) {
    TRY_ASSIGN(bool more, fill());
    if (!more) return damaged("ends before its end");
    size_t some = std::min(count - out.size(), input_.size() - input_at_);
    out.append(input_, input_at_, some);
    input_at_ += some;
  }
  return out;
}

Result<std::string> AvroLines::text() {
  TRY_ASSIGN(auto size, number());
  if (!size || *size < 0 || static_cast<uint64_t>(*size) > kBlockBytesMax)
    return damaged("has a text that is none");
  return bytes(static_cast<size_t>(*size));
}

tl::unexpected<Error> AvroLines::damaged(const std::string& what) const {
  return fail("the Avro file " + what + " (at byte " + std::to_string(used_ + input_at_) + ")",
              path_, "get the file again; the rows before that place were read");
}

}  // namespace paywarden
