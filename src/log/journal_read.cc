// The reading side of the journal: any thread, beside the one that appends.
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "log/journal.h"

namespace paywarden {
namespace {

// One record is wanted: a small window, not a consumer's large one.
constexpr size_t kRecordWindowBytes = size_t{8} << 10;

Error not_there(uint64_t sequence, const std::string& directory, const char* why) {
  return Error{fmt::format("record {} {}", sequence, why), directory, ""};
}

// Goes from record to record by their lengths; checks the one that is wanted.
Result<Record> read_record(File& file, const SegmentHeader& segment, uint64_t group_offset,
                           uint64_t sequence, const std::string& path) {
  FileWindow window(file, kRecordWindowBytes);
  TRY_ASSIGN(std::string_view head, window.view(group_offset, kGroupHeaderBytes));
  auto header = decode_group_header(head, segment.salt);
  auto damaged = [&] {
    return tl::unexpected<Error>(
        damage_error(path, group_offset, "the group of a record is damaged"));
  };
  if (!header || sequence - header->first_sequence >= header->records) return damaged();
  uint64_t offset = group_offset + kGroupHeaderBytes;
  for (uint64_t at = header->first_sequence;; ++at) {
    TRY_ASSIGN(std::string_view bytes, window.view(offset, kRecordHeaderBytes));
    if (bytes.size() < kRecordHeaderBytes) return damaged();
    size_t extent = record_extent(bytes.data());
    if (at < sequence) {
      offset += extent;
      continue;
    }
    TRY_ASSIGN(std::string_view whole, window.view(offset, extent));
    RecordWalk walk(whole, segment.salt, sequence, 1);
    RecordView record;
    if (!walk.next(record)) return damaged();
    return Record{sequence, record.kind, std::string(record.bytes)};
  }
}

}  // namespace

Result<Journal::Source> Journal::source_of(uint64_t sequence) const {
  SealedPtr segment;
  {
    std::lock_guard lock(mutex_);
    if (sequence >= active_.header.first_sequence) {
      TRY_ASSIGN(auto place, active_.index->group_of(sequence));
      return Source{active_.file, active_.header,       active_.path,
                    place.offset, place.first_sequence, active_.end_sequence};
    }
    auto after = std::upper_bound(
        sealed_->begin(), sealed_->end(), sequence,
        [](uint64_t s, const SealedPtr& sealed) { return s < sealed->header.first_sequence; });
    if (after == sealed_->begin())
      return tl::unexpected<Error>(
          not_there(sequence, options_.directory, "is dropped by retention"));
    segment = *std::prev(after);
  }
  auto place = group_in(segment, sequence);
  auto file = files_.open(segment->path, OpenMode::read);
  if (place && file)
    return Source{std::move(*file), segment->header,       segment->path,
                  place->offset,    place->first_sequence, segment->end_sequence};
  if (auto there = files_.exists(segment->path); there && !*there)  // drop_before() was faster
    return tl::unexpected<Error>(
        not_there(sequence, options_.directory, "is dropped by retention"));
  return tl::unexpected<Error>(place ? std::move(file.error()) : std::move(place.error()));
}

// An index that is damaged is built again from its segment.
Result<SegmentIndex::GroupPlace> Journal::group_in(const SealedPtr& segment,
                                                   uint64_t sequence) const {
  auto place = segment->index->group_of(sequence);
  if (place) return place;
  TRY_ASSIGN(auto rebuilt, build_index(files_, log_, *segment));
  replace_index(segment, rebuilt);
  return rebuilt->group_of(sequence);
}

Status Journal::find_in(const SealedPtr& segment, uint64_t key, std::vector<uint64_t>& out) const {
  size_t found_before = out.size();
  if (segment->index->find(key, out)) return {};
  out.resize(found_before);
  TRY_ASSIGN(bool there, files_.exists(segment->path));
  if (!there) return {};  // dropped meanwhile
  TRY_ASSIGN(auto rebuilt, build_index(files_, log_, *segment));
  replace_index(segment, rebuilt);
  return rebuilt->find(key, out);
}

Result<std::vector<uint64_t>> Journal::find(uint64_t lookup_key, size_t count_max) const {
  std::vector<uint64_t> out;
  std::shared_ptr<const Catalogue> sealed;
  {
    std::lock_guard lock(mutex_);
    TRY(active_.index->find(lookup_key, out));
    sealed = sealed_;
  }
  for (auto it = sealed->rbegin(); it != sealed->rend() && out.size() < count_max; ++it)
    TRY(find_in(*it, lookup_key, out));
  if (out.size() > count_max) out.resize(count_max);
  return out;
}

Result<Record> Journal::record(uint64_t sequence) const {
  if (sequence >= durable_end())
    return tl::unexpected<Error>(not_there(sequence, options_.directory, "is beyond the end"));
  TRY_ASSIGN(Source source, source_of(sequence));
  return read_record(*source.file, source.header, source.group_offset, sequence, source.path);
}

Result<uint64_t> Journal::read(uint64_t from, const RecordVisitor& visit) const {
  uint64_t end = durable_end();
  if (from > end)
    return fail(fmt::format("asked for record {}, the end is {}", from, end), options_.directory,
                "the reader's cursor belongs to another journal, or this one was cut or restored");
  bool go_on = true;
  while (go_on && from < end) {
    TRY_ASSIGN(Source source, source_of(from));
    TRY_ASSIGN(go_on, read_source(source, from, end, visit));
  }
  return from;
}

// Answers whether the visitor wants more; `from` moves past each record visited.
Result<bool> Journal::read_source(const Source& source, uint64_t& from, uint64_t end,
                                  const RecordVisitor& visit) const {
  end = std::min(end, source.end_sequence);
  GroupScan scan(*source.file, source.header, source.group_offset, source.group_first);
  Group group;
  while (from < end) {
    TRY_ASSIGN(ScanState state, scan.next(group));
    RecordWalk walk = scan.walk(group);
    RecordView record;
    while (state == ScanState::group && walk.next(record)) {
      if (record.sequence < from) continue;
      from = record.sequence + 1;
      if (!visit(record)) return false;
    }
    if (state != ScanState::group || !walk.complete())
      return tl::unexpected<Error>(
          damage_error(source.path, state == ScanState::group ? group.offset : scan.offset(),
                       "a group that was durable is damaged"));
  }
  return true;
}

}  // namespace paywarden
