#include "log/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/digest.h"
#include "base/hash.h"

namespace paywarden {
namespace {

constexpr std::string_view kNewSuffix = ".new", kIndexSuffix = ".index";

std::string path_in(const std::string& directory, uint64_t first_sequence) {
  return directory + "/" + segment_name(first_sequence);
}

// What a crash left half made, and indexes whose segment is gone.
Status remove_leftovers(Files& files, const std::string& directory) {
  TRY_ASSIGN(auto names, files.list(directory));
  for (const std::string& name : names) {
    if (!name.starts_with("journal-")) continue;
    bool half_made = name.ends_with(kNewSuffix);
    bool orphan = false;
    if (name.ends_with(kIndexSuffix)) {
      std::string segment = name.substr(0, name.size() - kIndexSuffix.size());
      orphan = !std::binary_search(names.begin(), names.end(), segment);
    }
    if (half_made || orphan) TRY(files.remove(directory + "/" + name));
  }
  return {};
}

class Recovery {
 public:
  Recovery(Files& files, OperatorLog& log, const std::string& directory)
      : files_(files), log_(log), directory_(directory) {}

  Result<Recovered> run() {
    TRY(remove_leftovers(files_, directory_));
    TRY_ASSIGN(auto firsts, list_segments(files_, directory_));
    if (firsts.empty()) {
      TRY_ASSIGN(out_.active, create_segment(files_, directory_, 1, {}, 0));
    } else {
      for (size_t i = 0; i + 1 < firsts.size(); ++i) TRY(take_sealed(firsts[i], firsts[i + 1]));
      TRY(take_last(firsts.back()));
    }
    finish_report();
    return std::move(out_);
  }

 private:
  // Trusted through its index; without one its groups are read.
  Status take_sealed(uint64_t first, uint64_t end) {
    SealedSegment segment;
    segment.path = path_in(directory_, first);
    segment.end_sequence = end;
    TRY_ASSIGN(OpenedSegment opened, open_segment(files_, segment.path));
    segment.header = opened.header;
    TRY_ASSIGN(segment.bytes, opened.file->size());
    auto index =
        FileIndex::open(files_, index_path(segment.path), {first, end, 0, segment.header.salt});
    if (index && (*index)->end_offset() <= segment.bytes) {
      segment.index = std::move(*index);
    } else {
      TRY_ASSIGN(segment.index, build_index(files_, log_, segment));
      ++out_.report.indexes_built;
    }
    out_.sealed.push_back(std::make_shared<SealedSegment>(std::move(segment)));
    return {};
  }

  Status take_last(uint64_t first) {
    std::string path = path_in(directory_, first);
    TRY_ASSIGN(OpenedSegment opened, open_segment(files_, path));
    auto index = std::make_shared<MemoryIndex>();
    TRY_ASSIGN(SegmentFacts facts, scan_segment(*opened.file, opened.header,
                                                std::numeric_limits<uint64_t>::max(), index.get()));
    TRY(cut_torn_group(opened, path, facts));
    bool empty = facts.groups == 0;
    uint64_t keep_until = empty ? first : facts.last_group_first;
    size_t keys = index->keys().size();
    if (empty) {
      TRY_ASSIGN(out_.active, create_segment(files_, directory_, first, {}, keys));
    } else {
      TRY(rewrite_last_group(opened, facts, keys));
    }
    if (keep_until == first) return {};  // replaced by the new segment of the same name
    index->drop_from(keep_until);
    TRY_ASSIGN(uint64_t size, opened.file->size());
    SealedSegment sealed{path, opened.header, keep_until, size, nullptr};
    sealed.index = save_index(files_, log_, sealed, facts.last_group_offset, index);
    out_.sealed.push_back(std::make_shared<SealedSegment>(std::move(sealed)));
    return {};
  }

  // Notes what is cut; the bytes themselves stay where they are, beyond the segment's end.
  Status cut_torn_group(OpenedSegment& opened, const std::string& path, const SegmentFacts& facts) {
    if (facts.damage.empty()) return {};
    TRY_ASSIGN(auto later, find_group_after(*opened.file, opened.header, facts.end_offset + 1));
    if (later)
      return tl::unexpected<Error>(damage_error(
          path, facts.end_offset,
          fmt::format("{}, yet later groups stand from byte {} on", facts.damage, later->offset)));
    TRY_ASSIGN(uint64_t size, opened.file->size());
    out_.report.bytes_cut = size - facts.end_offset;
    out_.report.cut_at = place_in_file(path, facts.end_offset);
    log_.write(LogLevel::warning, "journal_torn_group_cut",
               {{"at", out_.report.cut_at}, {"bytes", std::to_string(out_.report.bytes_cut)}});
    return {};
  }

  Status rewrite_last_group(OpenedSegment& opened, const SegmentFacts& facts, size_t keys) {
    GroupScan scan(*opened.file, opened.header, facts.last_group_offset, facts.last_group_first);
    Group group;
    TRY_ASSIGN(ScanState state, scan.next(group));
    CHECK(state == ScanState::group, "the last group was read before");
    std::vector<RecordToWrite> records;
    RecordWalk walk = scan.walk(group);
    for (RecordView record; walk.next(record);)
      records.push_back({record.kind, record.bytes, record.lookup_key});
    CHECK(walk.complete(), "the last group was read before");
    out_.report.records_rewritten = records.size();
    TRY_ASSIGN(out_.active,
               create_segment(files_, directory_, facts.last_group_first, records, keys));
    return {};
  }

  void finish_report() {
    RecoveryReport& report = out_.report;
    report.segments = out_.sealed.size() + 1;
    report.end_sequence = out_.active.end_sequence;
    report.first_sequence = out_.sealed.empty() ? out_.active.header.first_sequence
                                                : out_.sealed.front()->header.first_sequence;
  }

  Files& files_;
  OperatorLog& log_;
  const std::string& directory_;
  Recovered out_;
};

uint64_t random_salt() {
  return load_le64(random_bytes(8).data());
}

// The bytes of a new segment, and its facts but for the file.
std::string encode_segment(ActiveSegment& segment, std::span<const RecordToWrite> records) {
  std::string bytes = encode_segment_header(segment.header);
  segment.end_sequence = segment.header.first_sequence + records.size();
  if (!records.empty()) {
    GroupEncoder encoder;
    bytes += encoder.encode(segment.header.salt, segment.header.first_sequence, records);
    segment.index->add_group(segment.header.first_sequence, kSegmentHeaderBytes);
    uint64_t sequence = segment.header.first_sequence;
    for (const RecordToWrite& record : records)
      segment.index->add_key(record.lookup_key, sequence++);
  }
  segment.end_offset = bytes.size();
  return bytes;
}

}  // namespace

Result<Recovered> recover(Files& files, OperatorLog& log, const std::string& directory) {
  return Recovery(files, log, directory).run();
}

Result<ActiveSegment> create_segment(Files& files, const std::string& directory,
                                     uint64_t first_sequence,
                                     std::span<const RecordToWrite> records, size_t keys_expected) {
  ActiveSegment segment;
  segment.path = path_in(directory, first_sequence);
  segment.header = {first_sequence, random_salt()};
  segment.index = std::make_shared<MemoryIndex>(std::max<size_t>(keys_expected, 1024));
  std::string bytes = encode_segment(segment, records);
  std::string fresh = segment.path + std::string(kNewSuffix);
  TRY_ASSIGN(bool left_over, files.exists(fresh));
  if (left_over) TRY(files.remove(fresh));
  {
    TRY_ASSIGN(auto file, files.open(fresh, OpenMode::create));
    TRY(file->write_all(0, bytes));
    TRY(file->sync_data());
  }
  TRY(files.rename(fresh, segment.path));
  TRY(files.sync_directory(directory));
  // By its lasting name, which later errors then say.
  TRY_ASSIGN(segment.file, files.open(segment.path, OpenMode::change));
  return segment;
}

Result<std::vector<uint64_t>> list_segments(Files& files, const std::string& directory) {
  TRY_ASSIGN(auto names, files.list(directory));
  std::vector<uint64_t> firsts;
  for (const std::string& name : names)
    if (auto first = sequence_of_segment_name(name)) firsts.push_back(*first);
  std::sort(firsts.begin(), firsts.end());
  return firsts;
}

Result<std::shared_ptr<const SegmentIndex>> build_index(Files& files, OperatorLog& log,
                                                        const SealedSegment& segment) {
  auto index = std::make_shared<MemoryIndex>();
  TRY_ASSIGN(OpenedSegment opened, open_segment(files, segment.path));
  TRY_ASSIGN(SegmentFacts facts,
             scan_segment(*opened.file, opened.header, segment.end_sequence, index.get()));
  if (facts.end_sequence != segment.end_sequence) {
    std::string what = facts.damage.empty() ? "the file ends" : facts.damage;
    return tl::unexpected<Error>(damage_error(
        segment.path, facts.end_offset,
        fmt::format(
            "{}, yet the next segment begins with record {}: the records from {} on are missing",
            what, segment.end_sequence, facts.end_sequence)));
  }
  return save_index(files, log, segment, facts.end_offset, index);
}

std::shared_ptr<const SegmentIndex> save_index(Files& files, OperatorLog& log,
                                               const SealedSegment& segment, uint64_t end_offset,
                                               const std::shared_ptr<const MemoryIndex>& index) {
  IndexIdentity identity{segment.header.first_sequence, segment.end_sequence, end_offset,
                         segment.header.salt};
  std::string path = index_path(segment.path);
  Status written = write_index(files, path, identity, *index);
  if (written) {
    auto opened = FileIndex::open(files, path, identity);
    if (opened) return std::move(*opened);
    written = tl::unexpected<Error>(opened.error());
  }
  log.write(LogLevel::warning, "journal_index_not_written", {{"error", written.error().line()}});
  return index;
}

}  // namespace paywarden
