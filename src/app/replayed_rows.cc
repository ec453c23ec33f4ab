#include "app/replayed_rows.h"

#include <fmt/format.h>

#include "app/progress.h"
#include "app/setup.h"

namespace paywarden {
namespace {

// What a reader of the rows would not expect; an error where there is nothing to learn from.
Status tell_of_rows(const Dataset& rows, const DatasetCounts& counts, const Config& config,
                    std::optional<EventTime> until, const std::string& file, Progress& progress) {
  if (rows.rows() == 0 && counts.warm + counts.behind_until > 0)
    return fail(
        fmt::format("no payment is left to train on: {}{} are of the first {} (training.warm_up)",
                    until ? fmt::format("{} are of {} (--until) or later, ", counts.behind_until,
                                        format_rfc3339(*until))
                          : "",
                    counts.warm, format_duration(config.training.warm_up)),
        file, "give more history, or change the one that took the most");
  if (rows.rows() > 0 && counts.unlabelled == rows.rows())
    return fail("the data have no labels", file,
                "name the label's column in schema.label (it is '" + config.schema.label +
                    "'), and give data that have it");
  if (counts.repeats + counts.conflicts > 0)
    progress.say(fmt::format("{} repeats and {} conflicts dropped, as in service", counts.repeats,
                             counts.conflicts));
  if (counts.late > 0)
    progress.say(
        fmt::format("warning: {} payments are more than {} (features.lateness_max) older "
                    "than one before them: sort the data by time, each payment once",
                    counts.late, format_duration(config.features.options().lateness_max)));
  if (counts.warm > 0)
    progress.say(fmt::format("{} payments of the first {} only warm the windows", counts.warm,
                             format_duration(config.training.warm_up)));
  if (counts.unlabelled > 0)
    progress.say(fmt::format("warning: {} of {} rows have no label and count as genuine",
                             counts.unlabelled, rows.rows()));
  return {};
}

}  // namespace

Result<Dataset> replayed_rows(const Config& config, const std::string& config_file,
                              const std::vector<std::string>& files,
                              std::optional<EventTime> until) {
  TRY_ASSIGN(Tokeniser tokeniser, load_card_key(config, CardKeyFor::this_run));
  if (config.schema.label.empty())
    return fail("the schema has no label column to train on", config_file, "set schema.label");
  SystemClock clock;
  TRY_ASSIGN(DataFiles data, open_data(config, tokeniser, files, clock));
  TRY_ASSIGN(auto core, configured_core(config, nullptr));
  Dataset rows(config.features.specs().size());
  DatasetSink sink(*core, rows, until, config.training.warm_up);
  Progress replay("history");
  auto played = play_history(*data.source, config.features.options().label_delay, sink,
                             [&](const FileProgress& now) { replay.show(now); });
  if (!played) return tell_of_failure(std::move(played.error()), data, replay);
  FileProgress end = data.source->progress();
  replay.finish(end.rows);
  replay.say(fmt::format("{} rows to train on, {} features, {} rejected", rows.rows(),
                         rows.columns(), end.rejected));
  TRY(tell_of_data(data, replay));
  TRY(tell_of_rows(rows, sink.counts(), config, until, data.source->path(0), replay));
  return rows;
}

}  // namespace paywarden
