// A journal as another program reads it: as it stands when it is opened, without the lock, without a change to any file, safely
// beside the program that appends to it.
//
//   TRY_ASSIGN(JournalView view, JournalView::open(files, "data/journal"));
//   TRY(view.read([](const RecordView& record) { use(record); return true; }));   // twice gives the same twice
//
// A last group that is being written is not part of it. Records of the last group may not be durable yet: who passes on what is
// read must not take them for promised. Retention may drop segments meanwhile: then reading says so. One thread.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "log/log.h"

namespace paywarden {

class JournalView {
 public:
  // Reads the last segment. Errors: there is no journal; its last segment is damaged.
  static Result<JournalView> open(Files& files, std::string directory);

  uint64_t first_sequence() const { return firsts_.front(); }
  uint64_t end_sequence() const { return end_; }  // after the last record
  // All records in order, or up to where the visitor answers false. Error: damage; a segment was dropped meanwhile.
  Status read(const RecordVisitor& visit) const;

 private:
  JournalView(Files& files, std::string directory, std::vector<uint64_t> firsts)
      : files_(&files), directory_(std::move(directory)), firsts_(std::move(firsts)) {}
  std::string path(uint64_t first) const;
  Status find_end();
  Result<bool> read_segment(uint64_t first, uint64_t end, const RecordVisitor& visit) const;

  Files* files_;
  std::string directory_;
  std::vector<uint64_t> firsts_;  // of the segments, in order
  uint64_t end_ = 0;
};

}  // namespace paywarden
