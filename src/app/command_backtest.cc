// `paywarden backtest`: what other rules or another model would have decided, beside what the configuration decides.
#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "app/backtest_tally.h"
#include "app/commands.h"
#include "app/log_backtest.h"
#include "app/output_guard.h"
#include "app/progress.h"
#include "app/setup.h"
#include "training/history.h"

namespace paywarden {
namespace {

// Both sides decide each payment. The first computes the features, the second takes them over: it has the same ones.
class BacktestSink : public HistorySink {
 public:
  BacktestSink(Core& present, Core& proposed, const BacktestCommand& command)
      : present_(present),
        proposed_(proposed),
        command_(command),
        tally_(rule_names(present.policy()), rule_names(proposed.policy())) {}

  Status payments(std::span<FileRow> rows) override {
    for (FileRow& row : rows) {
      if (command_.until && row.payment.event_time >= *command_.until) continue;
      if (admit(present_, row, ++sequence_) != Sighting::fresh) continue;
      rows_[count_] = &row;
      if (++count_ == kMicroBatchMax) flush();
    }
    flush();  // the rows are the reader's
    return {};
  }

  Status label(const Label& label, const Payment& payment) override {
    if (!command_.until || payment.event_time < *command_.until) present_.label(label, &payment);
    return {};
  }

  const BacktestTally& tally() const { return tally_; }

 private:
  void flush() {
    for (size_t i = 0; i < count_; ++i) {
      decided_[i].reset();
      proposals_[i].reset();
      items_[i] = {&rows_[i]->payment, &decided_[i], GuardEvent::none, &features_[i]};
    }
    present_.decide({items_.data(), count_});
    for (size_t i = 0; i < count_; ++i) items_[i].decision = &proposals_[i];
    proposed_.decide({items_.data(), count_});
    double minor = minor_per_major(present_.rates().base().exponent());
    for (size_t i = 0; i < count_; ++i) {
      const Payment& payment = rows_[i]->payment;
      if (command_.from && payment.event_time < *command_.from) continue;
      tally_.add({payment.event_time, static_cast<double>(payment.amount_base_minor) / minor,
                  rows_[i]->label},
                 {decided_[i], present_.policy().thresholds().review},
                 {proposals_[i], proposed_.policy().thresholds().review});
    }
    count_ = 0;
  }

  Core &present_, &proposed_;
  const BacktestCommand& command_;
  BacktestTally tally_;
  std::array<FileRow*, kMicroBatchMax> rows_{};
  std::array<CoreItem, kMicroBatchMax> items_;
  std::array<Decision, kMicroBatchMax> decided_, proposals_;
  std::array<CarriedFeatures, kMicroBatchMax> features_;
  size_t count_ = 0;
  uint64_t sequence_ = 0;
};

Result<std::shared_ptr<const Model>> model_in(const Config& config, const std::string& directory) {
  if (directory.empty()) return std::shared_ptr<const Model>();
  TRY_ASSIGN(auto loaded, BundleModel::load(directory, config.features, config.file));
  return std::shared_ptr<const Model>(std::move(loaded));
}

void propose(Config& config, const BacktestCommand& command) {
  config.decision.observe = false;  // what would be done counts, not what is answered meanwhile
  if (!command.rules.empty()) config.decision.rules_file = command.rules;
  if (!command.model.empty()) config.model_directory = command.model;
}

Status tell(const BacktestTally& tally, const std::string& currency, const std::string& out,
            Progress& progress) {
  if (tally.payments() == 0)
    return fail("there is no payment to compare", "the command line",
                "widen --from and --until, or give other data");
  for (const std::string& line : tally.lines(currency)) progress.say(line);
  if (out.empty()) return {};
  PosixFiles files;
  TRY(replace_whole(files, out, tally.json(currency)));
  progress.say("written to " + out);
  return {};
}

Status backtest_files(Config& config, const BacktestCommand& command) {
  if (command.archived) config.schema = archived(config.schema);
  TRY_ASSIGN(Tokeniser tokeniser, load_card_key(config, CardKeyFor::this_run));
  SystemClock clock;
  TRY_ASSIGN(DataFiles data, open_data(config, tokeniser, command.data, clock));
  config.decision.observe = false;
  TRY_ASSIGN(auto model, model_in(config, config.model_directory));
  TRY_ASSIGN(auto present, configured_core(config, model));
  propose(config, command);
  if (!command.model.empty()) {
    TRY_ASSIGN(model, model_in(config, config.model_directory));
  }
  FeatureSet none =
      config.features.only([](const FeatureSpec&) { return false; }, config.schema.fields);
  TRY_ASSIGN(auto proposed, configured_core(config, model, &none));
  present->set_reasons(false);
  proposed->set_reasons(false);

  Progress progress("backtest");
  auto sink = std::make_unique<BacktestSink>(*present, *proposed, command);
  auto played = play_history(*data.source, config.features.options().label_delay, *sink,
                             [&](const FileProgress& now) { progress.show(now); });
  if (!played) return tell_of_failure(std::move(played.error()), data, progress);
  progress.finish(data.source->progress().rows);
  TRY(tell_of_data(data, progress));
  return tell(sink->tally(), std::string(config.base_currency.code()), command.out, progress);
}

void tell_of_log(const JournalView& view, const LoggedTruth& truth, const LogBacktestFigures& f,
                 const BacktestCommand& command, Progress& progress) {
  progress.say(
      fmt::format("records {} to {} of {}: {} payments, {} of them history without a "
                  "decision; {} payments have a label, {} of them fraud",
                  view.first_sequence(), view.end_sequence() - 1, command.journal, f.payments,
                  f.undecided, truth.labels(), truth.frauds()));
  if (truth.labels() > 0 && truth.labels() == truth.frauds() && !command.genuine_after)
    progress.say(
        "all labels are of frauds: precision says little without --genuine-after, by which "
        "payments "
        "without a label count as genuine");
  if (f.lists_passed_over > 0)
    progress.say(
        fmt::format("{} changes of lists do not fit the proposed rules or lists and were "
                    "passed over",
                    f.lists_passed_over));
}

Status backtest_log(Config& config, BacktestCommand command) {
  if (command.journal.empty()) command.journal = config.data_directory + "/journal";
  PosixFiles files;
  TRY_ASSIGN(JournalView view, JournalView::open(files, command.journal));
  propose(config, command);
  TRY_ASSIGN(auto model, model_in(config, config.model_directory));
  TRY_ASSIGN(LoggedTruth truth,
             LoggedTruth::read(view, config.schema.fields, command.genuine_after));
  TRY_ASSIGN(auto proposed, core_for_log(config, model, truth));
  std::string models = directory_of(command.journal) + "/models";
  LogBacktest backtest(view, truth, *proposed, {command.from, command.until, std::move(models)});
  BacktestTally tally({}, rule_names(proposed->policy()));
  Progress progress("backtest");
  TRY(backtest.run(tally, progress));
  progress.finish(backtest.figures().payments);
  tell_of_log(view, truth, backtest.figures(), command, progress);
  return tell(tally, std::string(config.base_currency.code()), command.out, progress);
}

}  // namespace

Status run_backtest(const BacktestCommand& command) {
  if (command.data.empty() && !command.over_journal)
    return fail("there is nothing to read", "the command line", "give --data or --journal");
  if (command.rules.empty() && command.model.empty() && !command.over_journal)
    return fail("there is nothing to compare with", "the command line",
                "give --rules or --model, or both");
  if (command.from && command.until && *command.from >= *command.until)
    return fail("--from is not before --until, so that no payment is between", "the command line",
                "the first day to look at, and the day behind the last one");
  TRY_ASSIGN(auto config, load_config(command.config));
  if (!command.out.empty())
    TRY(check_output(command.out, {{command.config, command.rules, command.model, command.journal,
                                    config->model_directory},
                                   command.data,
                                   files_of(*config)}));
  return command.over_journal ? backtest_log(*config, command) : backtest_files(*config, command);
}

}  // namespace paywarden
