// A journal once more through rules and a model that are proposed, beside the decisions that stand in it: the journal's side of
// `paywarden backtest`.
//
//   TRY_ASSIGN(JournalView view, JournalView::open(files, "data/journal"));
//   TRY_ASSIGN(LoggedTruth truth, LoggedTruth::read(view, config->schema.fields, genuine_after));
//   TRY_ASSIGN(auto proposed, core_for_log(*config, model, truth));
//   LogBacktest backtest(view, truth, *proposed, options);
//   TRY(backtest.run(tally, progress));
//
// The truth is what the whole journal says, the last word of each payment: labels that came behind --until count too. The features
// see each label at its place, as they did then. Cards are the tokens that stand in the log: no card key is needed. One thread.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "app/backtest_tally.h"
#include "app/config.h"
#include "app/progress.h"
#include "log/journal_view.h"

namespace paywarden {

// Memory: some 40 bytes a label.
class LoggedTruth {
 public:
  // `genuine_after`: a payment that nothing is said of is genuine, once the log's newest payment is so much younger; none: unknown.
  static Result<LoggedTruth> read(const JournalView& view, const FieldTable& fields,
                                  std::optional<Duration> genuine_after);
  std::optional<bool> of(const Payment& payment) const;
  size_t labels() const { return words_.size(); }
  size_t frauds() const;
  // Lists that the log ever changed.
  const std::set<std::string>& lists() const { return lists_; }

 private:
  struct Hasher {
    size_t operator()(Hash128 id) const { return id.low; }
  };
  Status take(const RecordView& record, Payment& payment, const FieldTable& fields);

  std::unordered_map<Hash128, bool, Hasher> words_;
  std::set<std::string> lists_;
  std::optional<Duration> genuine_after_;
  EventTime newest_ = EventTime::min();
};

// As configured_core(), and the proposed rules may name lists that stand in the log alone.
Result<std::unique_ptr<Core>> core_for_log(const Config& config, std::shared_ptr<const Model> model,
                                           const LoggedTruth& truth);

struct LogBacktestOptions {
  std::optional<EventTime> from, until;
  std::string models_directory;  // where the journal's program keeps its models
};

struct LogBacktestFigures {
  uint64_t payments = 0;           // that went through the core
  uint64_t undecided = 0;          // of them: history, which has no decision
  uint64_t lists_passed_over = 0;  // changes of lists that do not fit the proposed rules or lists
};

class LogBacktest {
 public:
  LogBacktest(const JournalView& view, const LoggedTruth& truth, Core& proposed,
              LogBacktestOptions options);
  ~LogBacktest();
  Status run(BacktestTally& tally, Progress& progress);
  const LogBacktestFigures& figures() const { return figures_; }

 private:
  struct Batch;
  Status take(const RecordView& record, BacktestTally& tally);
  Status take_payment(const RecordView& record, BacktestTally& tally);
  Status take_decision(const RecordView& record);
  Status take_label(const RecordView& record);
  Status take_change(const RecordView& record);
  void note_threshold(const Change& change);
  void flush(BacktestTally& tally);

  const JournalView& view_;
  const LoggedTruth& truth_;
  Core& proposed_;
  const LogBacktestOptions options_;
  LogBacktestFigures figures_;
  std::unique_ptr<Batch> batch_;
  uint64_t payment_sequence_ = 0;   // of the last payment
  bool left_out_ = false;           // it is
  std::optional<float> review_at_;  // by the log, where it is read
};

}  // namespace paywarden
