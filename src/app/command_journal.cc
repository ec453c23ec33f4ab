// `paywarden journal verify|cut`.
#include <fmt/format.h>

#include "app/commands.h"
#include "app/json_log.h"
#include "base/files.h"
#include "log/journal_repair.h"

namespace paywarden {

Status run_journal_verify(const JournalCommand& command) {
  PosixFiles files;
  TRY_ASSIGN(VerifyReport report, journal_verify(files, command.directory));
  if (report.segments == 0 && !report.damage)
    return fail("there is no journal here", command.directory,
                "name the folder that holds journal-*.pwj");
  fmt::print("{}\n", report.line());
  if (report.unfinished) fmt::print("{}\n", report.unfinished->line());
  if (report.damage) return tl::unexpected(*report.damage);
  return {};
}

Status run_journal_cut(const JournalCommand& command) {
  PosixFiles files;
  JsonLog log;
  TRY_ASSIGN(CutReport report, journal_cut(files, log, command.directory, command.from));
  fmt::print("{}\n", report.line());
  return {};
}

}  // namespace paywarden
