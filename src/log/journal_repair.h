// What an operator runs when a journal does not start: look (verify), then remove what follows the
// damage (cut).
//
//   TRY_ASSIGN(VerifyReport report, journal_verify(files, "data/journal"));  // reads every byte
//   if (report.damage) print(report.damage->line());
//   TRY_ASSIGN(CutReport cut, journal_cut(files, log, "data/journal", {}));  // at the first damage
//   print(cut.line());
//
// journal_verify() changes nothing and takes no lock: beside a running journal it may meet a group
// half written and report it as unfinished. journal_cut() takes the journal's lock. What it removes
// lies in files named *.removed afterwards. Sequences after the cut are given again, to other
// records: consumers with a cursor beyond it must be set back.
#pragma once

#include <optional>

#include "base/files.h"
#include "base/operator_log.h"

namespace paywarden {

struct VerifyReport {
  uint64_t segments = 0;
  uint64_t groups = 0;
  uint64_t records = 0;
  uint64_t bytes = 0;
  uint64_t first_sequence = 0;
  uint64_t end_sequence = 0;        // after the last good record before any damage
  std::optional<Error> damage;      // the first; a start would be refused
  std::optional<Error> unfinished;  // a last group, torn: the next start cuts it
  // "3 segments, 812 groups, 9000 records (1 to 9000), 5242880 bytes: no damage"
  std::string line() const;
};

// An error: the directory cannot be read. Damage is in the report.
Result<VerifyReport> journal_verify(Files& files, const std::string& directory);

struct CutReport {
  uint64_t cut_sequence = 0;  // the first record that is gone
  uint64_t end_before =
      0;  // records [cut_sequence, end_before) were named by what was removed, as far as readable
  uint64_t bytes_removed = 0;
  std::vector<std::string> removed_files;
  std::string line() const;
};

// Removes everything from the group on that holds record `from`; without `from`, from the first
// damage on. A journal without damage and no `from` is an error, nothing to cut. May be cut short
// by a crash and run again.
Result<CutReport> journal_cut(Files& files, OperatorLog& log, const std::string& directory,
                              std::optional<uint64_t> from);

}  // namespace paywarden
