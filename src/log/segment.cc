#include "log/segment.h"

#include <fmt/format.h>

#include <charconv>

#include "base/byte_io.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/hash.h"

namespace paywarden {
namespace {

constexpr std::string_view kSegmentMagic = "PAYWRDNJ";
constexpr std::string_view kNamePrefix = "journal-", kNameSuffix = ".pwj";
constexpr size_t kNameDigits = 20;

template <typename T>
T load(const char* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <typename T>
char* store(char* p, T v) {
  std::memcpy(p, &v, sizeof v);
  return p + sizeof v;
}

uint32_t group_crc(const char* header, uint64_t salt) {
  return crc32c({header, kGroupHeaderBytes - 4}, static_cast<uint32_t>(salt >> 32));
}

// A CRC keeps different starts different: no two records of a segment of under 2^32 start alike.
uint32_t record_crc(const char* record, size_t bytes, uint64_t salt, uint64_t sequence) {
  uint32_t start = static_cast<uint32_t>(salt) + static_cast<uint32_t>(sequence);
  return crc32c({record + 4, kRecordHeaderBytes - 4 + bytes}, start);
}

char* encode_record(char* p, const RecordToWrite& record, uint64_t salt, uint64_t sequence) {
  uint32_t length = static_cast<uint32_t>(record.bytes.size());
  store(p + 4, static_cast<uint32_t>(record.kind) | length << 8);
  store(p + 8, record.lookup_key);
  if (length) std::memcpy(p + kRecordHeaderBytes, record.bytes.data(), length);
  store(p, record_crc(p, length, salt, sequence));
  return p + kRecordHeaderBytes + length;
}

}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
  std::string out(kSegmentMagic);
  ByteWriter w(out);
  w.u32(kSegmentFormat);
  w.u32(0);
  w.u64(header.first_sequence);
  w.u64(header.salt);
  out.resize(kSegmentHeaderBytes - 4, '\0');
  w.u32(crc32c(out));
  return out;
}

// The size, the magic, the format and the CRC keep their places in every later format.
HeaderState decode_segment_header(std::string_view bytes, SegmentHeader& header, uint32_t& format) {
  bytes = bytes.substr(0, kSegmentHeaderBytes);
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kSegmentMagic))
    return HeaderState::damaged;
  if (load<uint32_t>(bytes.data() + 60) != crc32c(bytes.substr(0, 60))) return HeaderState::damaged;
  format = load<uint32_t>(bytes.data() + 8);
  if (format != kSegmentFormat) return HeaderState::unknown_format;
  header = {load<uint64_t>(bytes.data() + 16), load<uint64_t>(bytes.data() + 24)};
  return HeaderState::good;
}

std::string segment_name(uint64_t first_sequence) {
  return fmt::format("{}{:020}{}", kNamePrefix, first_sequence, kNameSuffix);
}

std::optional<uint64_t> sequence_of_segment_name(std::string_view name) {
  if (name.size() != kNamePrefix.size() + kNameDigits + kNameSuffix.size()) return {};
  if (!name.starts_with(kNamePrefix) || !name.ends_with(kNameSuffix)) return {};
  std::string_view digits = name.substr(kNamePrefix.size(), kNameDigits);
  uint64_t sequence = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), sequence);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  return sequence;
}

uint64_t group_magic(uint64_t salt) {
  return hash_combine(salt, 0x5057'4752'4f55'5031);
}

std::optional<GroupHeader> decode_group_header(std::string_view bytes, uint64_t salt) {
  if (bytes.size() < kGroupHeaderBytes) return {};
  const char* p = bytes.data();
  if (load<uint64_t>(p) != group_magic(salt)) return {};
  if (load<uint32_t>(p + 28) != group_crc(p, salt)) return {};
  GroupHeader header{load<uint64_t>(p + 8), load<uint32_t>(p + 16), load<uint32_t>(p + 20)};
  if (header.records == 0 || header.body_bytes > kGroupBodyBytesMax) return {};
  return header;
}

size_t group_bytes(std::span<const RecordToWrite> records) {
  size_t bytes = kGroupHeaderBytes + records.size() * kRecordHeaderBytes;
  for (const RecordToWrite& record : records) bytes += record.bytes.size();
  return bytes;
}

std::string_view GroupEncoder::encode(uint64_t salt, uint64_t first_sequence,
                                      std::span<const RecordToWrite> records) {
  size_t bytes = group_bytes(records);
  CHECK(!records.empty() && bytes <= kGroupHeaderBytes + kGroupBodyBytesMax, "a group's size");
  if (bytes > capacity_) {
    capacity_ = 2 * bytes;
    buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  char* p = store(buffer_.get(), group_magic(salt));
  p = store(p, first_sequence);
  p = store(p, static_cast<uint32_t>(bytes - kGroupHeaderBytes));
  p = store(p, static_cast<uint32_t>(records.size()));
  p = store(p, uint32_t{0});
  p = store(p, group_crc(buffer_.get(), salt));
  for (const RecordToWrite& record : records) p = encode_record(p, record, salt, first_sequence++);
  CHECK(p == buffer_.get() + bytes, "a group's bytes are counted");
  return {buffer_.get(), bytes};
}

size_t record_extent(const char* bytes) {
  return kRecordHeaderBytes + (load<uint32_t>(bytes + 4) >> 8);
}

bool RecordWalk::next(RecordView& record) {
  if (records_left_ == 0 || left_.size() < kRecordHeaderBytes) return false;
  const char* p = left_.data();
  size_t extent = record_extent(p), bytes = extent - kRecordHeaderBytes;
  if (extent > left_.size()) return false;
  if (load<uint32_t>(p) != record_crc(p, bytes, salt_, sequence_)) return false;
  record = {sequence_,
            static_cast<RecordKind>(load<uint8_t>(p + 4)),
            {p + kRecordHeaderBytes, bytes},
            load<uint64_t>(p + 8)};
  left_.remove_prefix(extent);
  ++sequence_;
  --records_left_;
  return true;
}

}  // namespace paywarden
