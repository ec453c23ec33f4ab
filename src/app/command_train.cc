// `paywarden train`: history through the core, XGBoost, a bundle.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <tuple>

#include "app/commands.h"
#include "app/output_guard.h"
#include "app/progress.h"
#include "app/replayed_rows.h"
#include "app/setup.h"
#include "training/thresholds.h"
#include "training/trainer.h"

namespace paywarden {
namespace {

std::string command_text(const TrainCommand& command) {
  std::string text = "paywarden train --config " + command.config + " --data";
  for (const std::string& file : command.data) text += " " + file;
  if (command.until) text += " --until " + format_rfc3339(*command.until);
  return text;
}

// With the lines that a configuration would have.
void say_trial(Progress& progress, const SearchTrial& trial,
               std::chrono::steady_clock::time_point begun) {
  auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  const BoosterOptions& o = trial.options;
  progress.say(fmt::format(
      "search {} of {}: average precision {:.4f}{} with {} trees, depth = {}, learning_rate = {}, "
      "min_child_weight = {}, lambda = {}, subsample = {}, colsample = {}; {:.0f} s left",
      trial.number, trial.trials, trial.average_precision, trial.best ? " (best)" : "", trial.trees,
      o.depth, o.learning_rate, o.min_child_weight, o.lambda, o.subsample, o.colsample,
      took / trial.number * (trial.trials - trial.number)));
}

void say_result(Progress& progress, const Bundle& bundle, const TrainingOptions& options,
                const std::string& out) {
  for (const auto& [name, value] : bundle.metrics)
    progress.say(fmt::format("{} {:.6g}", name, value));
  progress.say(fmt::format("thresholds: review {:.4f}, decline {:.4f}", bundle.thresholds.review,
                           bundle.thresholds.decline));
  auto [alerts, declines] = std::pair(options.alerts.alerts_a_day, options.alerts.declines_a_day);
  for (auto [value, outcome, a_day, setting] :
       {std::tuple(bundle.thresholds.review, "review", alerts, "alerts_a_day"),
        {bundle.thresholds.decline, "decline", declines, "declines_a_day"}}) {
    if (value < never_reached) continue;
    if (options.thresholds == ThresholdGoal::alerts && a_day == 0)
      progress.say(fmt::format("no score is ever {}, as {} = 0 asks for", outcome, setting));
    else
      progress.say(
          fmt::format("warning: no score is ever {}: on the later slice no threshold has "
                      "what [training] asks for; ask for less, or give it more history",
                      outcome));
  }
  progress.say("bundle written to " + out);
}

}  // namespace

Status run_train(const TrainCommand& command) {
  TRY_ASSIGN(auto config, load_config(command.config));
  TRY(check_output(command.out, {{command.config}, command.data, files_of(*config)}));
  TRY(check_bundle_place(command.out));  // before the hours of training, not behind them
  TRY_ASSIGN(Dataset rows, replayed_rows(*config, command.config, command.data, command.until));

  Progress progress("training");
  auto begun = std::chrono::steady_clock::now();
  auto bundle = train_bundle(
      rows, config->features, config->training,
      {[&](std::string_view stage, const BoosterProgress& p) {
         if (p.round % 50 != 0 && p.round != p.trees) return;
         std::string measured =
             std::isnan(p.validation_aucpr)
                 ? ""
                 : fmt::format(", average precision on the later slice {:.4f}", p.validation_aucpr);
         progress.say(
             fmt::format("{}: tree {} of at most {}{}", stage, p.round, p.trees, measured));
       },
       [&](const SearchTrial& trial) { say_trial(progress, trial, begun); }});
  if (!bundle) return tl::unexpected(bundle.error());
  bundle->name = bundle_name(command.out);
  bundle->created_from = command_text(command);
  TRY(save_bundle(command.out, *bundle, {.replace = true}));
  say_result(progress, *bundle, config->training, command.out);
  return {};
}

}  // namespace paywarden
