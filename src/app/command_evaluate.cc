// `paywarden evaluate`: decisions against labels, as a report to look at.
#include <fmt/format.h>

#include "app/commands.h"
#include "app/progress.h"
#include "app/setup.h"
#include "report/report.h"

namespace paywarden {

Status run_evaluate(const EvaluateCommand& command) {
  TRY_ASSIGN(auto config, load_config(command.config));
  if (config->schema.label.empty()) return fail("the schema has no label column to measure against", command.config, "set schema.label");
  TRY_ASSIGN(Tokeniser tokeniser, load_card_key(*config, false));
  SystemClock clock;
  TRY_ASSIGN(DataFiles data, open_data(*config, tokeniser, command.data, clock));
  EvaluationOptions options;
  options.sample.from = command.from;
  options.sample.currency = config->schema.currency;
  Progress progress("evaluate");
  TRY_ASSIGN(Metrics metrics, evaluate(command.decisions, *data.source, options));
  PosixFiles files;
  TRY(write_report(files, command.out, metrics, {command.decisions, command.data}));
  progress.finish(data.source->progress().rows);
  progress.say("report written to " + command.out + "/report.html");
  return {};
}

}  // namespace paywarden
