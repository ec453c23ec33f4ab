#include "log/journal_repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "log/recovery.h"

namespace paywarden {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
constexpr size_t kCopyBytes = size_t{1} << 20;

std::string path_in(const std::string& directory, uint64_t first_sequence) {
  return directory + "/" + segment_name(first_sequence);
}

class Verify {
 public:
  Verify(Files& files, const std::string& directory) : files_(files), directory_(directory) {}

  Result<VerifyReport> run() {
    TRY_ASSIGN(auto firsts, list_segments(files_, directory_));
    report_.first_sequence = report_.end_sequence = firsts.empty() ? 1 : firsts.front();
    for (size_t i = 0; i < firsts.size() && !report_.damage; ++i) {
      Status status = take(firsts[i], i + 1 < firsts.size() ? firsts[i + 1] : kNoLimit);
      if (!status) report_.damage = std::move(status.error());
    }
    return std::move(report_);
  }

 private:
  Status take(uint64_t first, uint64_t end) {
    std::string path = path_in(directory_, first);
    TRY_ASSIGN(OpenedSegment opened, open_segment(files_, path));
    TRY_ASSIGN(SegmentFacts facts, scan_segment(*opened.file, opened.header, end, nullptr));
    ++report_.segments;
    report_.groups += facts.groups;
    report_.records += facts.records;
    report_.bytes += facts.end_offset;
    report_.end_sequence = facts.end_sequence;
    if (end == kNoLimit) return take_end(path, opened, facts);
    if (facts.end_sequence == end) return {};
    return tl::unexpected<Error>(
        damage_error(path, facts.end_offset,
                     fmt::format("{}, yet a segment begins with record {}",
                                 facts.damage.empty() ? "the file ends" : facts.damage, end)));
  }

  Status take_end(const std::string& path, OpenedSegment& opened, const SegmentFacts& facts) {
    if (facts.damage.empty()) return {};
    TRY_ASSIGN(auto later, find_group_after(*opened.file, opened.header, facts.end_offset + 1));
    if (later)
      return tl::unexpected<Error>(damage_error(
          path, facts.end_offset,
          fmt::format("{}, yet later groups stand from byte {} on", facts.damage, later->offset)));
    report_.unfinished = Error{"the last group is unfinished and was never acknowledged",
                               place_in_file(path, facts.end_offset), "the next start cuts it"};
    return {};
  }

  Files& files_;
  const std::string& directory_;
  VerifyReport report_;
};

struct CutPlace {
  size_t segment = 0;  // which of the segments
  uint64_t offset = 0;
  uint64_t sequence = 0;
};

class Cut {
 public:
  Cut(Files& files, OperatorLog& log, const std::string& directory)
      : files_(files), log_(log), directory_(directory) {}

  Result<CutReport> run(std::optional<uint64_t> from) {
    TRY_ASSIGN(firsts_, list_segments(files_, directory_));
    TRY_ASSIGN(VerifyReport verified, journal_verify(files_, directory_));
    TRY(check_wish(verified, from));
    TRY_ASSIGN(CutPlace place, place_of(from.value_or(verified.end_sequence)));
    report_.cut_sequence = place.sequence;
    TRY_ASSIGN(report_.end_before, end_of_all(place));
    TRY(set_aside(place));
    TRY(create_segment(files_, directory_, place.sequence, {}, 0));
    log_.write(LogLevel::warning, "journal_cut", {{"report", report_.line()}});
    return std::move(report_);
  }

 private:
  Status check_wish(const VerifyReport& verified, std::optional<uint64_t> from) const {
    if (firsts_.empty()) return fail("there is no journal", directory_);
    if (!from && !verified.damage)
      return fail("nothing to cut: there is no damage", directory_,
                  "an unfinished last group is cut by the next start itself");
    if (from && *from > verified.end_sequence && verified.damage)
      return fail(fmt::format("record {} is beyond the damage", *from), verified.damage->where,
                  fmt::format("cut from record {} or an earlier one", verified.end_sequence));
    if (from && (*from < verified.first_sequence || *from > verified.end_sequence))
      return fail(fmt::format("there is no record {}", *from), directory_,
                  fmt::format("it holds records {} to {}", verified.first_sequence,
                              verified.end_sequence - 1));
    return {};
  }

  // The group that holds `sequence`, or the place where good groups end.
  Result<CutPlace> place_of(uint64_t sequence) {
    auto after = std::upper_bound(firsts_.begin(), firsts_.end(), sequence);
    size_t i = static_cast<size_t>(after - firsts_.begin()) - 1;
    auto opened = open_segment(files_, path_in(directory_, firsts_[i]));
    if (!opened) return CutPlace{i, 0, firsts_[i]};  // its header is damaged: all of it goes
    CutPlace place{i, kSegmentHeaderBytes, firsts_[i]};
    GroupScan scan(*opened->file, opened->header, place.offset, place.sequence);
    Group group;
    while (scan.next_sequence() <= sequence) {
      TRY_ASSIGN(ScanState state, scan.next(group));
      if (state != ScanState::group || group.end_sequence() > sequence) break;
      place.offset = scan.offset();
      place.sequence = scan.next_sequence();
    }
    return place;
  }

  // After the last record that any group header of the last segment names.
  Result<uint64_t> end_of_all(const CutPlace& place) {
    bool same = place.segment + 1 == firsts_.size();
    uint64_t end = same ? place.sequence : firsts_.back();
    auto opened = open_segment(files_, path_in(directory_, firsts_.back()));
    if (!opened) return end;
    uint64_t offset =
        same ? std::max(place.offset, uint64_t{kSegmentHeaderBytes}) : kSegmentHeaderBytes;
    while (true) {
      TRY_ASSIGN(auto found, find_group_after(*opened->file, opened->header, offset));
      if (!found) return end;
      end = std::max(end, found->header.first_sequence + found->header.records);
      offset = found->offset + kGroupHeaderBytes;
    }
  }

  // Later segments first and newest first, so that a crash leaves no gap.
  Status set_aside(const CutPlace& place) {
    std::string path = path_in(directory_, firsts_[place.segment]);
    TRY(copy_tail(path, place.offset));
    for (size_t i = firsts_.size() - 1; i > place.segment; --i) {
      std::string later = path_in(directory_, firsts_[i]);
      TRY(remove_index(later));
      TRY(note_size(later));
      TRY_ASSIGN(std::string aside, free_name(later));
      TRY(files_.rename(later, aside));
      TRY(files_.sync_directory(directory_));
      report_.removed_files.push_back(aside);
    }
    return remove_index(path);
  }

  Status note_size(const std::string& path) {
    TRY_ASSIGN(auto file, files_.open(path, OpenMode::read));
    TRY_ASSIGN(uint64_t size, file->size());
    report_.bytes_removed += size;
    return {};
  }

  Status copy_tail(const std::string& path, uint64_t offset) {
    TRY_ASSIGN(auto from, files_.open(path, OpenMode::read));
    TRY_ASSIGN(uint64_t size, from->size());
    if (offset >= size) return {};
    TRY_ASSIGN(std::string aside, free_name(path));
    TRY_ASSIGN(auto to, files_.open(aside, OpenMode::create));
    FileWindow window(*from, kCopyBytes);
    for (uint64_t at = offset; at < size;) {
      TRY_ASSIGN(std::string_view part, window.view(at, std::min<uint64_t>(kCopyBytes, size - at)));
      if (part.empty()) break;
      TRY(to->write_all(at - offset, part));
      at += part.size();
    }
    TRY(to->sync_data());
    TRY(files_.sync_directory(directory_));
    report_.bytes_removed += size - offset;
    report_.removed_files.push_back(aside);
    return {};
  }

  Status remove_index(const std::string& path) {
    TRY_ASSIGN(bool there, files_.exists(index_path(path)));
    return there ? files_.remove(index_path(path)) : Status();
  }

  // "<path>.removed", or with a number if an earlier cut took that.
  Result<std::string> free_name(const std::string& path) {
    std::string name = path + ".removed";
    for (int i = 2;; ++i) {
      TRY_ASSIGN(bool taken, files_.exists(name));
      if (!taken) return name;
      name = fmt::format("{}.removed-{}", path, i);
    }
  }

  Files& files_;
  OperatorLog& log_;
  const std::string& directory_;
  std::vector<uint64_t> firsts_;
  CutReport report_;
};

}  // namespace

std::string VerifyReport::line() const {
  std::string counts =
      fmt::format("{} segments, {} groups, {} records ({} to {}), {} bytes: ", segments, groups,
                  records, first_sequence, end_sequence - 1, bytes);
  if (damage) return counts + "damage: " + damage->line();
  return counts + (unfinished ? unfinished->line() : "no damage");
}

Result<VerifyReport> journal_verify(Files& files, const std::string& directory) {
  return Verify(files, directory).run();
}

std::string CutReport::line() const {
  std::string lost = end_before > cut_sequence
                         ? fmt::format("records {} to {} are removed", cut_sequence, end_before - 1)
                         : fmt::format("no readable record after {} is removed", cut_sequence - 1);
  return fmt::format(
      "{}, {} bytes, kept in {}", lost, bytes_removed,
      removed_files.empty() ? "no file" : fmt::format("{}", fmt::join(removed_files, ", ")));
}

Result<CutReport> journal_cut(Files& files, OperatorLog& log, const std::string& directory,
                              std::optional<uint64_t> from) {
  TRY_ASSIGN(auto lock, files.lock(directory + "/journal.lock"));
  return Cut(files, log, directory).run(from);
}

}  // namespace paywarden
