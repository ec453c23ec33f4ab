#include "log/segment_scan.h"

#include <fmt/format.h>

#include <cstring>

namespace paywarden {

Result<std::string_view> FileWindow::view(uint64_t offset, size_t count) {
  if (offset >= start_ && offset + count <= start_ + length_)
    return std::string_view(buffer_.get() + (offset - start_), count);
  size_t wanted = std::max(count, window_bytes_);
  if (wanted > capacity_) {
    buffer_ = std::make_unique_for_overwrite<char[]>(wanted);
    capacity_ = wanted;
  }
  length_ = 0;
  TRY_ASSIGN(size_t got, file_.read_up_to(offset, buffer_.get(), wanted));
  start_ = offset;
  length_ = got;
  return std::string_view(buffer_.get(), std::min(count, got));
}

Result<ScanState> GroupScan::next(Group& group) {
  TRY_ASSIGN(std::string_view head, window_.view(offset_, kGroupHeaderBytes));
  if (head.empty()) return ScanState::end_of_file;
  auto header = decode_group_header(head, salt_);
  if (!header || header->first_sequence != next_sequence_) return ScanState::damage;
  TRY_ASSIGN(std::string_view whole, window_.view(offset_, kGroupHeaderBytes + header->body_bytes));
  if (whole.size() < kGroupHeaderBytes + header->body_bytes) return ScanState::damage;
  group = {offset_, *header, whole.substr(kGroupHeaderBytes)};
  offset_ = group.end_offset();
  next_sequence_ = group.end_sequence();
  return ScanState::group;
}

RecordWalk GroupScan::walk(const Group& group) const {
  return RecordWalk(group.body, salt_, group.header.first_sequence, group.header.records);
}

namespace {

bool records_are_good(const GroupScan& scan, const Group& group) {
  RecordWalk walk = scan.walk(group);
  RecordView record;
  while (walk.next(record)) {
  }
  return walk.complete();
}

void add_to_index(const GroupScan& scan, const Group& group, MemoryIndex& index) {
  index.add_group(group.header.first_sequence, group.offset);
  RecordWalk walk = scan.walk(group);
  RecordView record;
  while (walk.next(record)) index.add_key(record.lookup_key, record.sequence);
}

void count_group(const Group& group, SegmentFacts& facts) {
  ++facts.groups;
  facts.records += group.header.records;
  facts.last_group_offset = group.offset;
  facts.last_group_first = group.header.first_sequence;
  facts.end_offset = group.end_offset();
  facts.end_sequence = group.end_sequence();
}

}  // namespace

Result<SegmentFacts> scan_segment(File& file, const SegmentHeader& segment, uint64_t end_sequence,
                                  MemoryIndex* index) {
  SegmentFacts facts;
  facts.end_sequence = segment.first_sequence;
  GroupScan scan(file, segment, kSegmentHeaderBytes, segment.first_sequence);
  Group group;
  while (facts.end_sequence < end_sequence) {
    TRY_ASSIGN(ScanState state, scan.next(group));
    if (state == ScanState::end_of_file) break;
    if (state == ScanState::damage) {
      facts.damage = "no whole group of records";
      break;
    }
    if (!records_are_good(scan, group)) {
      facts.damage = "a record's checksum is wrong";
      break;
    }
    if (group.end_sequence() > end_sequence) {
      facts.damage = "a group overlaps the next segment";
      break;
    }
    if (index) add_to_index(scan, group, *index);
    count_group(group, facts);
  }
  return facts;
}

Result<std::optional<GroupFound>> find_group_after(File& file, const SegmentHeader& segment,
                                                   uint64_t offset) {
  uint64_t magic = group_magic(segment.salt);
  FileWindow window(file);
  while (true) {
    TRY_ASSIGN(std::string_view bytes, window.view(offset, kWindowBytes));
    for (size_t at = 0; at + kGroupHeaderBytes <= bytes.size(); ++at) {
      const void* hit = ::memmem(bytes.data() + at, bytes.size() - at, &magic, sizeof magic);
      if (!hit) break;
      at = static_cast<size_t>(static_cast<const char*>(hit) - bytes.data());
      if (auto header = decode_group_header(bytes.substr(at), segment.salt))
        return GroupFound{offset + at, *header};
    }
    if (bytes.size() < kWindowBytes) return std::optional<GroupFound>();
    offset +=
        kWindowBytes - kGroupHeaderBytes + 1;  // a header across the border is seen whole next time
  }
}

Result<OpenedSegment> open_segment(Files& files, const std::string& path) {
  TRY_ASSIGN(auto file, files.open(path, OpenMode::read));
  char bytes[kSegmentHeaderBytes];
  TRY_ASSIGN(size_t got, file->read_up_to(0, bytes, sizeof bytes));
  SegmentHeader header;
  uint32_t format = 0;
  switch (decode_segment_header({bytes, got}, header, format)) {
    case HeaderState::good:
      break;
    case HeaderState::unknown_format:
      return fail(
          fmt::format("has format {}, this paywarden knows format {}", format, kSegmentFormat),
          path, "start the version of paywarden that wrote it");
    case HeaderState::damaged:
      return tl::unexpected<Error>(damage_error(path, 0, "the segment's header is damaged"));
  }
  auto named = sequence_of_segment_name(path.substr(path.find_last_of('/') + 1));
  if (named && *named != header.first_sequence)
    return fail(fmt::format("holds the records from {} on", header.first_sequence), path,
                "rename it back to " + segment_name(header.first_sequence));
  return OpenedSegment{std::move(file), header};
}

std::string place_in_file(const std::string& path, uint64_t offset) {
  return fmt::format("{} at byte {}", path, offset);
}

Error damage_error(const std::string& path, uint64_t offset, const std::string& what) {
  return Error{what, place_in_file(path, offset),
               "look with `paywarden journal verify`, restore the file from a copy or cut with "
               "`paywarden journal cut`"};
}

}  // namespace paywarden
