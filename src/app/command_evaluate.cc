// `paywarden evaluate`: decisions against labels, as a report to look at.
#include <fmt/format.h>

#include "app/commands.h"
#include "app/progress.h"
#include "app/replayed_drift.h"
#include "app/setup.h"
#include "report/report.h"

namespace paywarden {

Status run_evaluate(const EvaluateCommand& command) {
  TRY_ASSIGN(auto config, load_config(command.config));
  if (config->schema.label.empty())
    return fail("the schema has no label column to measure against", command.config,
                "set schema.label");
  TRY_ASSIGN(Tokeniser tokeniser, load_card_key(*config, CardKeyFor::this_run));
  SystemClock clock;
  TRY_ASSIGN(DataFiles data, open_data(*config, tokeniser, command.data, clock));
  EvaluationOptions options;
  options.sample.from = command.from;
  options.decisions.shadow = command.shadow;
  options.sample.currency = config->base_currency;
  std::optional<DriftCounts> drift;
  if (!command.model.empty()) {
    TRY_ASSIGN(Bundle bundle, load_bundle(command.model));
    TRY(check_features(bundle, config->features.names(), config->features.hash(), command.config));
    TRY_ASSIGN(drift, replayed_drift(*config, bundle, command.data, command.from));
    options.drift = &*drift;
    options.drift_model = bundle.name;
    options.drift_levels = config->drift;
  }
  Progress progress("evaluate");
  TRY_ASSIGN(CurrencyRates rates, CurrencyRates::parse(config->rates, config->base_currency));
  options.sample.to_base = [&](int64_t minor, Currency currency) -> std::optional<int64_t> {
    return rates.has(currency) ? std::optional(rates.to_base(minor, currency)) : std::nullopt;
  };
  auto show = [&](EvaluationStage, uint64_t done, uint64_t total) {
    progress.show(data.source->progress().rows,
                  total ? static_cast<double>(done) / static_cast<double>(total) : 0);
  };
  TRY_ASSIGN(Metrics metrics, evaluate(command.decisions, *data.source, options, show));
  PosixFiles files;
  TRY(write_report(files, command.out, metrics, {command.decisions, command.data}));
  progress.finish(data.source->progress().rows);
  progress.say("report written to " + command.out + "/report.html");
  return {};
}

}  // namespace paywarden
