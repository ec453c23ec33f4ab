// The bytes of a journal's segment, format 1: what is written, and how it is recognised again. No
// input or output here.
//
//   GroupEncoder encoder;
//   std::string_view group = encoder.encode(header.salt, first_sequence, records);   // one write
//   auto found = decode_group_header(bytes, header.salt);
//   RecordWalk walk(body, header.salt, found->first_sequence, found->records);
//   while (walk.next(record)) use(record);
//   if (!walk.complete()) damaged();
//
// All numbers little-endian. A segment is its header, then groups without gaps:
//
//   segment header, 64 bytes   "PAYWRDNJ", format u32, zero u32, first_sequence u64, salt u64,
//                              zeros, crc u32
//   group header, 32 bytes     magic u64, first_sequence u64, body_bytes u32, records u32,
//                              zero u32, crc u32
//   record, 16 bytes + bytes   crc u32, kind u8, length u24, lookup_key u64, bytes
//
// The segment's random salt makes the group's magic and starts the CRCs, and never leaves the disk:
// neither a payload nor what an older segment left in re-used blocks can look like a group. A
// record's CRC starts from its sequence too, so a record in the wrong place is damage.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "log/record.h"

namespace paywarden {

constexpr uint32_t kSegmentFormat = 1;
constexpr size_t kSegmentHeaderBytes = 64;
constexpr size_t kGroupHeaderBytes = 32;
constexpr size_t kRecordHeaderBytes = 16;
constexpr size_t kRecordBytesMax = (size_t{1} << 24) - 1;  // the length is 24 bits
constexpr size_t kGroupBodyBytesMax = size_t{64} << 20;    // a reader holds one group in memory
static_assert(kRecordBytesMax + kRecordHeaderBytes <= kGroupBodyBytesMax);
static_assert(kGroupBodyBytesMax <= std::numeric_limits<uint32_t>::max());

struct SegmentHeader {
  uint64_t first_sequence = 0;
  uint64_t salt = 0;
};

enum class HeaderState { good, unknown_format, damaged };

std::string encode_segment_header(const SegmentHeader& header);
// `format` is set unless the header is damaged; `header` if it is good.
HeaderState decode_segment_header(std::string_view bytes, SegmentHeader& header, uint32_t& format);

// "journal-00000000000000000001.pwj"
std::string segment_name(uint64_t first_sequence);
std::optional<uint64_t> sequence_of_segment_name(std::string_view name);

struct GroupHeader {
  uint64_t first_sequence = 0;
  uint32_t body_bytes = 0;
  uint32_t records = 0;
};

uint64_t group_magic(uint64_t salt);
// Of the first kGroupHeaderBytes of `bytes`; nothing if they are no group header of this segment.
std::optional<GroupHeader> decode_group_header(std::string_view bytes, uint64_t salt);

size_t group_bytes(std::span<const RecordToWrite> records);  // as encoded, with its header

class GroupEncoder {
 public:
  // Valid until the next call. At least one record, none over kRecordBytesMax.
  std::string_view encode(uint64_t salt, uint64_t first_sequence,
                          std::span<const RecordToWrite> records);

 private:
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
};

// The records of one group's body, each checked before it is shown.
class RecordWalk {
 public:
  RecordWalk(std::string_view body, uint64_t salt, uint64_t first_sequence, uint32_t records)
      : left_(body), salt_(salt), sequence_(first_sequence), records_left_(records) {}
  // False: no more, or damage: complete() tells which.
  bool next(RecordView& record);
  bool complete() const { return records_left_ == 0 && left_.empty(); }

 private:
  std::string_view left_;
  uint64_t salt_;
  uint64_t sequence_;
  uint32_t records_left_;
};

// How many bytes the record at `bytes` takes, by its header alone.
size_t record_extent(const char* bytes);

}  // namespace paywarden
