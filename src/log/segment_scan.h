// Reads a segment's file group by group: the one way in for recovery, consumers, verify and cut.
//
//   GroupScan scan(file, header, kSegmentHeaderBytes, header.first_sequence);
//   TRY_ASSIGN(ScanState state, scan.next(group));     // ScanState::group: walk its records
//   RecordWalk walk = scan.walk(group);
//   // or every record of a segment checked, counted and indexed:
//   TRY_ASSIGN(SegmentFacts facts, scan_segment(file, header, end_sequence, &index));
//
// Memory: one window of kWindowBytes, or one group if that is larger.
#pragma once

#include <memory>
#include <optional>

#include "base/files.h"
#include "log/segment.h"
#include "log/segment_index.h"

namespace paywarden {

constexpr size_t kWindowBytes = size_t{256}
                                << 10;  // larger ones read no faster from the page cache

// A part of a file in memory.
class FileWindow {
 public:
  explicit FileWindow(File& file, size_t window_bytes = kWindowBytes)
      : file_(file), window_bytes_(window_bytes) {}
  // `count` bytes from `offset` on; fewer only at the end of the file. Valid until the next call.
  Result<std::string_view> view(uint64_t offset, size_t count);

 private:
  File& file_;
  size_t window_bytes_;  // read at once, at least
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  uint64_t start_ = 0;
  size_t length_ = 0;
};

struct Group {
  uint64_t offset = 0;  // of its header
  GroupHeader header;
  std::string_view body;  // valid until the scan goes on
  uint64_t end_offset() const { return offset + kGroupHeaderBytes + header.body_bytes; }
  uint64_t end_sequence() const { return header.first_sequence + header.records; }
};

enum class ScanState { group, end_of_file, damage };

// Group after group; the headers are checked, the records are the caller's to walk.
class GroupScan {
 public:
  // `offset` is where the group that starts with `next_sequence` lies.
  GroupScan(File& file, const SegmentHeader& segment, uint64_t offset, uint64_t next_sequence)
      : window_(file), salt_(segment.salt), offset_(offset), next_sequence_(next_sequence) {}
  Result<ScanState> next(Group& group);
  uint64_t offset() const {
    return offset_;
  }  // after the last group shown: the place of the damage
  uint64_t next_sequence() const { return next_sequence_; }
  RecordWalk walk(const Group& group) const;

 private:
  FileWindow window_;
  uint64_t salt_;
  uint64_t offset_;
  uint64_t next_sequence_;
};

struct SegmentFacts {
  uint64_t groups = 0;
  uint64_t records = 0;
  uint64_t end_offset = kSegmentHeaderBytes;  // after the last whole group
  uint64_t end_sequence = 0;
  uint64_t last_group_offset = 0;  // 0: there is no group
  uint64_t last_group_first = 0;
  std::string damage;  // empty: none; otherwise what is wrong at end_offset
};

// Checks every group and record up to `end_sequence` (all: UINT64_MAX) and adds them to `index`
// (may be null).
Result<SegmentFacts> scan_segment(File& file, const SegmentHeader& segment, uint64_t end_sequence,
                                  MemoryIndex* index);

// The first group header of this segment in [offset, end of file), on any byte. Found after damage,
// it proves that the damaged group was durable once.
struct GroupFound {
  uint64_t offset;
  GroupHeader header;
};
Result<std::optional<GroupFound>> find_group_after(File& file, const SegmentHeader& segment,
                                                   uint64_t offset);

// Opens a segment and reads its header; refuses a damaged or foreign one by name.
struct OpenedSegment {
  std::unique_ptr<File> file;
  SegmentHeader header;
};
Result<OpenedSegment> open_segment(Files& files, const std::string& path);

// "journal-...pwj at byte 8192"
std::string place_in_file(const std::string& path, uint64_t offset);
Error damage_error(const std::string& path, uint64_t offset, const std::string& what);

}  // namespace paywarden
