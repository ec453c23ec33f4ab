#include "app/log_backtest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/setup.h"
#include "forest/bundle.h"
#include "payment/decision_json.h"
#include "payment/records.h"
#include "training/thresholds.h"

namespace paywarden {
namespace {

tl::unexpected<Error> unreadable(const RecordView& record) {
  return fail("a record cannot be read", "log record " + std::to_string(record.sequence),
              "run: paywarden journal verify");
}

bool is_of_a_list(ChangeKind kind) {
  return kind == ChangeKind::list_add || kind == ChangeKind::list_remove ||
         kind == ChangeKind::list_replace || kind == ChangeKind::list_drop;
}

// Reads all records through something that may fail.
template <typename Take>
Status read_all(const JournalView& view, Take&& take) {
  Status status;
  TRY(view.read([&](const RecordView& record) {
    status = take(record);
    return status.has_value();
  }));
  return status;
}

}  // namespace

Result<LoggedTruth> LoggedTruth::read(const JournalView& view, const FieldTable& fields,
                                      std::optional<Duration> genuine_after) {
  LoggedTruth truth;
  truth.genuine_after_ = genuine_after;
  Payment payment;
  TRY(read_all(view,
               [&](const RecordView& record) { return truth.take(record, payment, fields); }));
  return truth;
}

Status LoggedTruth::take(const RecordView& record, Payment& payment, const FieldTable& fields) {
  if (record.kind == RecordKind::label) {
    LabelRecord label;
    if (!decode_label(record.bytes, label)) return unreadable(record);
    words_[hash128(label.label.payment_id)] = label.label.is_fraud;
  } else if (record.kind == RecordKind::change) {
    TRY_ASSIGN(Change change, decode_change(record.bytes));
    if (is_of_a_list(change.kind)) lists_.insert(change.name);
  } else if (record.kind == RecordKind::payment && genuine_after_) {
    if (!decode_payment(record.bytes, fields, payment)) return unreadable(record);
    newest_ = std::max(newest_, payment.event_time);
  }
  return {};
}

std::optional<bool> LoggedTruth::of(const Payment& payment) const {
  auto word = words_.find(hash128(payment.id()));
  if (word != words_.end()) return word->second;
  bool old = genuine_after_ && payment.event_time + *genuine_after_ <= newest_;
  return old ? std::optional(false) : std::nullopt;
}

size_t LoggedTruth::frauds() const {
  auto is_fraud = [](const auto& word) { return word.second; };
  return static_cast<size_t>(std::count_if(words_.begin(), words_.end(), is_fraud));
}

// Lists come before the rules that name them; what stands in them comes with the log.
Result<std::unique_ptr<Core>> core_for_log(const Config& config, std::shared_ptr<const Model> model,
                                           const LoggedTruth& truth) {
  TRY_ASSIGN(auto core, Core::create(config.schema.fields, config.features, config.core_options()));
  for (const std::string& list : truth.lists())
    TRY(core->apply({ChangeKind::list_replace, list, {}, "config", {}, {}}));
  TRY_ASSIGN(auto changes, read_changes(config, model.get(), EventTime()));
  for (const Change& change : changes)
    TRY(core->apply(change, change.kind == ChangeKind::model ? model : nullptr));
  core->set_reasons(false);
  return core;
}

// Payments between two records that are no payments, with what was decided.
struct LogBacktest::Batch {
  struct Item {
    Payment payment;
    Decision decided, proposal;
    bool is_decided = false;
    std::optional<float> review_at;
  };
  std::array<Item, kMicroBatchMax> items;
  std::array<CoreItem, kMicroBatchMax> to_decide;
  size_t count = 0;
  DecisionJson json;
};

LogBacktest::LogBacktest(const JournalView& view, const LoggedTruth& truth, Core& proposed,
                         LogBacktestOptions options)
    : view_(view),
      truth_(truth),
      proposed_(proposed),
      options_(std::move(options)),
      batch_(std::make_unique<Batch>()) {}

LogBacktest::~LogBacktest() = default;

Status LogBacktest::run(BacktestTally& tally, Progress& progress) {
  auto all = static_cast<double>(view_.end_sequence() - view_.first_sequence());
  TRY(read_all(view_, [&](const RecordView& record) {
    progress.show(figures_.payments,
                  static_cast<double>(record.sequence - view_.first_sequence()) / all);
    return take(record, tally);
  }));
  flush(tally);
  return {};
}

Status LogBacktest::take(const RecordView& record, BacktestTally& tally) {
  switch (record.kind) {
    case RecordKind::payment:
      return take_payment(record, tally);
    case RecordKind::decision:
      return take_decision(record);
    case RecordKind::label:
      flush(tally);
      return take_label(record);
    case RecordKind::change:
      flush(tally);
      return take_change(record);
    case RecordKind::answered:
    case RecordKind::place:
      return {};
  }
  return unreadable(record);
}

Status LogBacktest::take_payment(const RecordView& record, BacktestTally& tally) {
  if (batch_->count == batch_->items.size()) flush(tally);
  Batch::Item& item = batch_->items[batch_->count];
  if (!decode_payment(record.bytes, proposed_.fields(), item.payment)) return unreadable(record);
  payment_sequence_ = record.sequence;
  left_out_ = options_.until && item.payment.event_time >= *options_.until;
  if (left_out_) return {};
  item.is_decided = false;
  ++batch_->count;
  ++figures_.payments;
  figures_.undecided += item.payment.backfilled;
  return {};
}

// Where the answer was approve because it was only observed, what would have been done counts.
Status LogBacktest::take_decision(const RecordView& record) {
  DecisionHead head;
  std::string_view json;
  bool whole = decode_decision(record.bytes, head, json) && head.payment_sequence != 0 &&
               head.payment_sequence == payment_sequence_;
  if (!whole) return unreadable(record);
  if (left_out_) return {};
  if (batch_->count == 0) return unreadable(record);
  Batch::Item& item = batch_->items[batch_->count - 1];
  if (!batch_->json.read(json, item.decided)) return unreadable(record);
  item.decided.outcome = item.decided.would_be;
  item.is_decided = true;
  item.review_at = review_at_;
  return {};
}

Status LogBacktest::take_label(const RecordView& record) {
  LabelRecord label;
  Payment payment;
  if (!decode_label(record.bytes, label)) return unreadable(record);
  bool known = !label.payment.empty();
  if (known && !decode_payment(label.payment, proposed_.fields(), payment))
    return unreadable(record);
  if (known && options_.until && payment.event_time >= *options_.until) return {};
  proposed_.label(label.label, known ? &payment : nullptr);
  return {};
}

// Lists and rates are the log's, at their place; rules, model, thresholds and mode are what is proposed.
Status LogBacktest::take_change(const RecordView& record) {
  TRY_ASSIGN(Change change, decode_change(record.bytes));
  note_threshold(change);
  bool logs = is_of_a_list(change.kind) || change.kind == ChangeKind::rates ||
              change.kind == ChangeKind::guard_reset;
  if (!logs) return {};
  Status applied = proposed_.apply(change);
  if (applied || !is_of_a_list(change.kind)) return applied;
  ++figures_.lists_passed_over;
  return {};
}

void LogBacktest::note_threshold(const Change& change) {
  if (change.kind == ChangeKind::thresholds) {
    auto thresholds = parse_thresholds(change.content);
    review_at_ = thresholds ? std::optional(thresholds->review) : std::nullopt;
  } else if (change.kind == ChangeKind::model) {
    auto bundle = load_bundle(options_.models_directory + "/" + change.content);
    review_at_ = bundle ? std::optional(bundle->thresholds.review) : std::nullopt;
  }
}

void LogBacktest::flush(BacktestTally& tally) {
  Batch& batch = *batch_;
  for (size_t i = 0; i < batch.count; ++i) {
    Batch::Item& item = batch.items[i];
    item.proposal.reset();
    batch.to_decide[i] = {&item.payment, item.is_decided ? &item.proposal : nullptr};
  }
  proposed_.decide({batch.to_decide.data(), batch.count});
  double minor = minor_per_major(proposed_.rates().base().exponent());
  for (size_t i = 0; i < batch.count; ++i) {
    const Batch::Item& item = batch.items[i];
    const Payment& payment = item.payment;
    if (!item.is_decided || (options_.from && payment.event_time < *options_.from)) continue;
    bool no_model = item.decided.model == "none";  // then no score made an alert
    tally.add({payment.event_time, static_cast<double>(payment.amount_base_minor) / minor,
               truth_.of(payment)},
              {item.decided, no_model ? std::optional(never_reached) : item.review_at},
              {item.proposal, proposed_.policy().thresholds().review});
  }
  batch.count = 0;
}

}  // namespace paywarden
