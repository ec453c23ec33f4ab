#include "log/journal_view.h"

#include <fmt/format.h>

#include <limits>

#include "log/recovery.h"

namespace paywarden {

Result<JournalView> JournalView::open(Files& files, std::string directory) {
  TRY_ASSIGN(auto firsts, list_segments(files, directory));
  if (firsts.empty())
    return fail("there is no journal here", directory, "name the folder that holds journal-*.pwj");
  JournalView view(files, std::move(directory), std::move(firsts));
  TRY(view.find_end());
  return view;
}

std::string JournalView::path(uint64_t first) const {
  return directory_ + "/" + segment_name(first);
}

// A group that is being written looks torn. Where another one follows it, it was durable before that, so it is whole when it is
// read again; if it is not, it is damaged.
Status JournalView::find_end() {
  constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();
  std::string last = path(firsts_.back());
  TRY_ASSIGN(OpenedSegment opened, open_segment(*files_, last));
  TRY_ASSIGN(SegmentFacts facts, scan_segment(*opened.file, opened.header, kAll, nullptr));
  end_ = facts.end_sequence;
  if (facts.damage.empty()) return {};
  TRY_ASSIGN(auto later, find_group_after(*opened.file, opened.header, facts.end_offset + 1));
  if (!later) return {};
  TRY_ASSIGN(SegmentFacts again, scan_segment(*opened.file, opened.header, kAll, nullptr));
  end_ = again.end_sequence;
  if (again.end_offset > facts.end_offset) return {};
  return tl::unexpected<Error>(damage_error(last, facts.end_offset, facts.damage));
}

Status JournalView::read(const RecordVisitor& visit) const {
  for (size_t i = 0; i < firsts_.size(); ++i) {
    uint64_t end = i + 1 < firsts_.size() ? firsts_[i + 1] : end_;
    TRY_ASSIGN(bool more, read_segment(firsts_[i], end, visit));
    if (!more) break;
  }
  return {};
}

// Answers whether the visitor wants more.
Result<bool> JournalView::read_segment(uint64_t first, uint64_t end,
                                       const RecordVisitor& visit) const {
  auto opened = open_segment(*files_, path(first));
  if (!opened) {
    auto there = files_->exists(path(first));
    if (there && !*there)
      return fail(fmt::format("record {} was dropped by retention meanwhile", first), directory_,
                  "run it again");
    return tl::unexpected(opened.error());
  }
  GroupScan scan(*opened->file, opened->header, kSegmentHeaderBytes, first);
  Group group;
  while (scan.next_sequence() < end) {
    uint64_t offset = scan.offset();
    TRY_ASSIGN(ScanState state, scan.next(group));
    RecordWalk walk = scan.walk(group);
    RecordView record;
    while (state == ScanState::group && walk.next(record))
      if (!visit(record)) return false;
    if (state != ScanState::group || !walk.complete())
      return tl::unexpected<Error>(
          damage_error(path(first), offset, "a group that was durable is damaged"));
  }
  return true;
}

}  // namespace paywarden
