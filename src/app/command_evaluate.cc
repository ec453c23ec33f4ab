// `paywarden evaluate`: decisions against labels, as a report to look at.
#include <algorithm>
#include <filesystem>

#include "app/commands.h"
#include "app/output_guard.h"
#include "app/progress.h"
#include "app/replayed_model.h"
#include "app/setup.h"
#include "drift/drift_counts.h"
#include "report/report.h"

namespace paywarden {
namespace {

constexpr size_t kModelsNamed = DecisionFileOptions().models_max;  // more are not named
constexpr size_t kDriftDaysMax = 36'525;                           // a hundred years

// The report's importances and drift are of this model: they say nothing of another one's decisions.
Status check_model(const Metrics& metrics, const Model& model, const std::string& directory,
                   Progress& progress) {
  const std::vector<std::string>& names = metrics.models;
  std::string made_by;
  for (const std::string& name : names) made_by += (made_by.empty() ? "'" : ", '") + name + "'";
  if (!names.empty() && names.size() < kModelsNamed &&
      std::find(names.begin(), names.end(), model.name()) == names.end())
    return fail("the decisions are of model " + made_by + ", and this is '" + model.name() + "'",
                directory, "give --model the bundle that decided, under the name that it had");
  if (names.size() > 1)
    progress.say("warning: the decisions are of several models (" + made_by +
                 "); importances and drift are of '" + model.name() +
                 "' alone, and approvals stay without reasons");
  return {};
}

}  // namespace

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
  Progress progress("evaluate");
  std::shared_ptr<const BundleModel> model;
  std::optional<DriftCounts> drift;
  if (!command.model.empty()) {
    TRY_ASSIGN(model, BundleModel::load(command.model, config->features, command.config));
    if (model->reference())
      drift.emplace(*model->reference(), config->features.names(), kDriftDaysMax);
    else
      progress.say("the bundle does not say what it was trained on: the report is without drift");
    options.drift = drift ? &*drift : nullptr;
  }
  TRY_ASSIGN(CurrencyRates rates, CurrencyRates::parse(config->rates, config->base_currency));
  options.sample.to_base = [&](int64_t minor, Currency currency) -> std::optional<int64_t> {
    return rates.has(currency) ? std::optional(rates.to_base(minor, currency)) : std::nullopt;
  };
  auto show = [&](EvaluationStage, uint64_t done, uint64_t total) {
    progress.show(data.source->progress().rows,
                  total ? static_cast<double>(done) / static_cast<double>(total) : 0);
  };
  std::error_code absent;
  if (std::filesystem::exists(command.out, absent) &&
      !std::filesystem::is_directory(command.out, absent))
    return fail("a file stands where the report's directory is wanted", command.out,
                "give --out another name; report.html and metrics.json come into it");
  for (const char* name : {"/metrics.json", "/report.html"})
    TRY(check_output(
        command.out + name,
        {{command.config, command.decisions, command.model}, command.data, files_of(*config)}));
  Result<Metrics> measured = evaluate(command.decisions, *data.source, options, show);
  if (measured) progress.finish(data.source->progress().rows);
  TRY(tell_of_data(data, progress));
  TRY_ASSIGN(Metrics metrics, std::move(measured));
  if (model) TRY(check_model(metrics, *model, command.model, progress));
  if (model) TRY(add_model(*config, *model, command.data, command.from, options.drift, metrics));
  PosixFiles files;
  TRY(write_report(files, command.out, metrics, {command.decisions, command.data}));
  progress.say("report written to " + command.out + "/report.html");
  return {};
}

}  // namespace paywarden
