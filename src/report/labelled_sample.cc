#include "report/labelled_sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "report/case_list.h"

namespace paywarden {
namespace {

// The token's own bits are as good as any hash of them.
struct TokenHash {
  size_t operator()(const CardToken& token) const { return load_le64(token.view().data()); }
};

std::string place_of(const FileSource& source, const FileRow& row) {
  return fmt::format("{}:{}", source.path(row.file), row.line);
}

class Join {
 public:
  Join(DecisionFile decisions, FileSource& source, const SampleOptions& options)
      : table_(std::move(decisions.table)),
        source_(source),
        options_(options),
        hardest_(options.cases_max),
        costliest_(options.cases_max),
        loudest_(options.cases_max) {
    sample_.models = std::move(decisions.models);
    sample_.currency = options.currency;
    sample_.first = EventTime::max();
    sample_.last = EventTime::min();
  }

  Status run(const EvaluationProgress& progress) {
    FileBatch batch;
    uint64_t told = 0;
    for (;;) {
      TRY_ASSIGN(bool more, source_.next(batch));
      if (!more) break;
      for (const FileRow& row : batch.filled()) TRY(take(row));
      if (matched_ < told + kProgressLines) continue;
      told = matched_;
      show(progress);
    }
    show(progress);
    return judge();
  }

  Sample finish() && {
    sample_.notes.refused = source_.progress().rejected;
    sample_.notes.decisions_unused = table_.size() - matched_;
    sample_.payments = table_.take();
    std::erase_if(sample_.payments,
                  [](const ScoredPayment& p) { return p.position == DecisionTable::kUnmatched; });
    sample_.cards = static_cast<uint32_t>(cards_.size());
    sample_.hardest_misses = hardest_.take();
    sample_.costliest_misses = costliest_.take();
    sample_.loudest_alarms = loudest_.take();
    return std::move(sample_);
  }

 private:
  void show(const EvaluationProgress& progress) const {
    FileProgress at = source_.progress();
    if (progress) progress(EvaluationStage::data, at.bytes_read, at.bytes_total);
  }

  Status take(const FileRow& row) {
    if (options_.from && row.payment.event_time < *options_.from) {
      ++sample_.notes.before_from;
      return {};
    }
    ScoredPayment* scored = table_.find(row.payment.id());
    if (scored == nullptr) return note_missing(row);
    if (scored->position != DecisionTable::kUnmatched) {
      ++sample_.notes.repeated;
      return {};
    }
    fill(row, *scored);
    offer_case(row.payment, *scored);
    return {};
  }

  void fill(const FileRow& row, ScoredPayment& scored) {
    const Payment& payment = row.payment;
    scored.position = static_cast<uint32_t>(matched_++);
    scored.card =
        cards_.try_emplace(payment.card, static_cast<uint32_t>(cards_.size())).first->second;
    scored.day = day_of(payment.event_time);
    scored.is_fraud = row.label.value_or(false);
    scored.amount_minor = base_amount(payment);
    if (!row.label) ++sample_.notes.unlabelled;
    sample_.first = std::min(sample_.first, payment.event_time);
    sample_.last = std::max(sample_.last, payment.event_time);
  }

  int64_t base_amount(const Payment& payment) {
    std::optional<int64_t> amount;
    if (options_.to_base)
      amount = options_.to_base(payment.amount_minor, payment.currency);
    else if (payment.currency == options_.currency)
      amount = payment.amount_minor;
    if (!amount) ++sample_.notes.without_rate;
    return amount.value_or(0);
  }

  void offer_case(const Payment& payment, const ScoredPayment& scored) {
    if (!scored.is_fraud) return offer(loudest_, scored.score, payment, scored);
    offer(hardest_, -scored.score, payment, scored);
    if (scored.outcome == Outcome::approve)
      offer(costliest_, static_cast<double>(scored.amount_minor), payment, scored);
  }

  static void offer(CaseList& list, double rank, const Payment& payment,
                    const ScoredPayment& scored) {
    if (!list.admits(rank)) return;
    list.add(rank, {std::string(payment.id()), payment.event_time, payment.amount_minor,
                    payment.currency, std::string(payment.card_masked.view()),
                    std::string(payment.text(field::category)), scored.score, scored.outcome});
  }

  // Remembered and told at the end: how many there are, and whether they lie before all others,
  // tell what went wrong.
  Status note_missing(const FileRow& row) {
    if (missing_++ == 0) {
      first_missing_ = "no decision for payment '" + masked_excerpt(row.payment.id(), 64) + "'";
      first_missing_place_ = place_of(source_, row);
    }
    last_missing_ = std::max(last_missing_, row.payment.event_time);
    return {};
  }

  Status judge() {
    if (missing_ > 0) return fail_missing();
    if (matched_ == 0)
      return fail("no payment to evaluate", source_.path(0),
                  options_.from ? "all of them are before --from " + format_rfc3339(*options_.from)
                                : "give the data that were replayed");
    if (sample_.notes.unlabelled == matched_)
      return fail("the data have no labels", source_.path(0),
                  "name the label's column as `label` in [schema]");
    return {};
  }

  Status fail_missing() {
    std::string what = first_missing_;
    if (missing_ > 1) what += fmt::format(", nor for {} others", missing_ - 1);
    std::string remedy =
        "give the data that were replayed, and decisions of a replay that came to its end";
    bool warmed_up = matched_ > 0 && last_missing_ < sample_.first;
    if (warmed_up)
      remedy = "if the replay began later, say so: --from " + format_rfc3339(sample_.first);
    return fail(std::move(what), first_missing_place_, std::move(remedy));
  }

  DecisionTable table_;
  FileSource& source_;
  const SampleOptions& options_;
  Sample sample_;
  std::unordered_map<CardToken, uint32_t, TokenHash> cards_;
  CaseList hardest_, costliest_, loudest_;
  uint64_t matched_ = 0;
  uint64_t missing_ = 0;
  std::string first_missing_, first_missing_place_;
  EventTime last_missing_ = EventTime::min();
};

}  // namespace

Result<Sample> join_decisions(DecisionFile decisions, FileSource& source,
                              const SampleOptions& options, const EvaluationProgress& progress) {
  Join join(std::move(decisions), source, options);
  TRY(join.run(progress));
  return std::move(join).finish();
}

}  // namespace paywarden
