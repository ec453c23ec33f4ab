// What is done with a payment: the score's thresholds, the analysts' rules and lists, the mode, and
// the decline guard.
//
//   TRY_ASSIGN(Policy policy, Policy::create(words, {.thresholds = {0.4f, 0.8f}}));
//   TRY(policy.apply({ChangeKind::list_replace, "blocked", entries, "config", "start", time}));
//   TRY(policy.apply({ChangeKind::rules, "fraud.rules", text, "config", "start", time}));
//   GuardEvent event = policy.decide({score, features, payment}, decision);
//   if (event == GuardEvent::engaged) ...   // log it, tell someone
//
// A pure state: the same changes and payments in the same order give the same decisions and the
// same hash. One thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "decision/change.h"
#include "decision/decline_guard.h"
#include "decision/lists.h"
#include "decision/rules.h"
#include "payment/decision.h"

namespace paywarden {

enum class Mode : uint8_t {
  decide,
  observe,  // everything is worked out and kept, and the answer is approve
};
std::string_view name_of(Mode mode);
Result<Mode> parse_mode(std::string_view name);

// A score of at least this has the outcome. Above 1: never.
struct Thresholds {
  float review = 0.5f;  // a model bundle brings its own; these are for one that does not
  float decline = 0.9f;
};
std::string text_of(const Thresholds& thresholds);  // "review=0.5 decline=0.9", a change's content
Result<Thresholds> parse_thresholds(std::string_view text);

struct PolicyOptions {
  Thresholds thresholds = {};
  Mode mode = Mode::decide;
  GuardOptions guard = {};
  RuleLimits rule_limits = {};
  ListLimits list_limits = {};
  ChangeLimits change_limits = {};
};

enum class GuardEvent : uint8_t { none, engaged };

using PolicyInput = RuleInput;  // score (NaN: the model has no opinion), features, payment

class Policy {
 public:
  static Result<Policy> create(RuleVocabulary words, const PolicyOptions& options);

  // Fills outcome, rules, would_be, observed and guarded; nothing else of `out` is touched.
  //
  // The rules that fire and the score each have an outcome, the most severe wins; a rule `approve
  // always` that fires overrides them all. While the guard is engaged, a decline that comes from
  // the score alone is a review. In the mode observe all this goes into would_be.
  [[nodiscard]] GuardEvent decide(const PolicyInput& input, Decision& out);

  // What the outcome of the payment that was decided last would have been with this score and these thresholds; without the
  // guard, and with the rules that fired.
  Outcome as_if(float score, const Thresholds& thresholds) const;

  // Whether apply() would take the change; it refuses one of kind `model`, which the engine
  // applies.
  Status validate(const Change& change) const;
  // All or nothing: on a failure nothing has changed.
  Status apply(const Change& change);
  // Every problem of a rules text, with excerpts for its author; empty: it is fine.
  RuleProblems problems_of(const RuleSource& source) const;

  Mode mode() const { return mode_; }
  const Thresholds& thresholds() const { return thresholds_; }
  const RuleSource& rules_source() const { return source_; }
  const RuleSet& rules() const { return rules_; }
  const Lists& lists() const { return lists_; }
  const DeclineGuard& guard() const { return guard_; }

  // For a snapshot. The options' limits and the guard's options are configuration and no part of
  // it.
  void encode(std::string& out) const;
  // All or nothing; fails where a rule no longer fits the vocabulary.
  Status restore(std::string_view bytes);
  Hash128 hash() const;  // of the same state; not cryptographic

 private:
  Policy(RuleVocabulary words, const PolicyOptions& options);
  struct Fired {
    Outcome most_severe = Outcome::approve;
    bool always = false;
  };
  Fired run_rules(const PolicyInput& input, Decision& out);
  static Outcome of_score(float score, const Thresholds& thresholds);
  Result<RuleSet> compile(const RuleSource& source, const Lists& lists) const;
  ListEdit edit_of(const Change& change) const;
  Status check_drop(const Change& change) const;
  Status apply_rules(const Change& change);
  void encode_without_lists(ByteWriter& out) const;

  RuleVocabulary words_;
  PolicyOptions options_;
  Thresholds thresholds_;
  Mode mode_;
  Lists lists_;
  RuleSource source_;
  RuleSet rules_;  // points into lists_
  RuleRun run_;
  Fired fired_;  // by the last payment
  DeclineGuard guard_;
};

}  // namespace paywarden
