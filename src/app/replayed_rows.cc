#include "app/replayed_rows.h"

#include <fmt/format.h>

#include "app/progress.h"
#include "app/setup.h"

namespace paywarden {

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
  if (!played) return tl::unexpected(played.error());
  FileProgress end = data.source->progress();
  replay.finish(end.rows);
  replay.say(fmt::format("{} rows to train on, {} features, {} rejected", rows.rows(),
                         rows.columns(), end.rejected));
  return rows;
}

}  // namespace paywarden
