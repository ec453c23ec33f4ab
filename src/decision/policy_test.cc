#include "decision/policy.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "decision/decision_table.h"

namespace paywarden {
namespace {

GuardEvent decide(Policy& policy, float score, Decision& decision) {
  static const TestSchema schema;
  TestPayment payment(schema);
  payment.score = score;
  return policy.decide(payment.input(), decision);
}

Outcome outcome(Policy& policy, float score) {
  Decision decision;
  (void)decide(policy, score, decision);
  return decision.outcome;
}

TEST(Policy, ThresholdsAreReachedByEqualScores) {
  TestSchema schema;
  Policy policy = policy_with(schema, "", {.thresholds = {0.25f, 0.75f}});
  expect_decisions(schema, policy, R"(
    score=0.2499999 -> approve
    score=0.25      -> review
    score=0.7499999 -> review
    score=0.75      -> decline
    score=nan       -> approve)");
}

TEST(Policy, ObserveAnswersApproveAndKeepsTheRest) {
  TestSchema schema;
  Policy policy = policy_with(schema, "rule big: decline if amount > 10", {.mode = Mode::observe});
  expect_decisions(schema, policy, R"(
    amount=11            -> decline big observed
    amount=5   score=0.6 -> review observed
    amount=5             -> approve observed)");
  must_apply(policy, ChangeKind::mode, "", "decide");
  expect_decisions(schema, policy, "amount=11 -> decline big");
}

TEST(Policy, OldContentOfTheDecisionGoes) {
  TestSchema schema;
  Policy policy = policy_with(schema, "");
  Decision decision;
  decision.rules = {"old"};
  decision.guarded = decision.observed = true;
  decision.outcome = Outcome::decline;
  (void)decide(policy, 0.6f, decision);
  EXPECT_TRUE(decision.rules.empty());
  EXPECT_FALSE(decision.guarded || decision.observed);
  EXPECT_EQ(decision.outcome, Outcome::review);
  EXPECT_EQ(decision.would_be, Outcome::review);
}

TEST(Policy, AMissingScoreNeitherComparesNorDeclines) {
  TestSchema schema;
  Policy policy =
      policy_with(schema, "rule none: review if score is missing\nrule low: review if score < 2");
  expect_decisions(schema, policy, "score=nan -> review none\nscore=0 -> review low");
}

// ---- The decline guard

PolicyOptions small_guard() {
  return {.guard = {.window = 10, .seen_min = 5, .share_max = 0.4}};
}

TEST(DeclineGuard, EngagesBeyondTheShareAndNotBefore) {
  TestSchema schema;
  Policy policy = policy_with(schema, "rule big: decline if amount > 10", small_guard());
  expect_decisions(schema, policy, R"(
    score=0.95           -> decline
    score=0.95           -> decline
    score=0.1            -> approve
    score=0.1            -> approve
    score=0.1            -> approve
    score=0.1  amount=11 -> decline big
    score=0.95           -> review guarded
    score=0.95           -> review guarded
    score=0.6            -> review
    score=0.95 amount=11 -> decline big)");
  EXPECT_TRUE(policy.guard().engaged());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(outcome(policy, 0.1f), Outcome::approve);
  EXPECT_EQ(outcome(policy, 0.95f), Outcome::review) << "it stays until someone resets it";
  must_apply(policy, ChangeKind::guard_reset, "", "");
  EXPECT_FALSE(policy.guard().engaged());
  EXPECT_EQ(outcome(policy, 0.95f), Outcome::decline);
}

TEST(DeclineGuard, TheShareItselfIsAllowed) {
  DeclineGuard guard({.window = 10, .seen_min = 4, .share_max = 0.5});
  std::string events;
  for (char decision : std::string("ddaada")) events += guard.record(decision == 'd') ? '!' : '.';
  EXPECT_EQ(events, "....!.") << "2 of 4 is half, 3 of 5 is more";
  EXPECT_TRUE(guard.engaged());
}

TEST(DeclineGuard, SaysOnceThatItEngages) {
  TestSchema schema;
  Policy policy = policy_with(schema, "", small_guard());
  Decision decision;
  std::string events;
  for (int i = 0; i < 8; ++i)
    events += decide(policy, 0.95f, decision) == GuardEvent::engaged ? '!' : '.';
  EXPECT_EQ(events, "....!...");
  must_apply(policy, ChangeKind::guard_engaged, "", "");
  EXPECT_TRUE(policy.guard().engaged());
  must_apply(policy, ChangeKind::guard_reset, "", "");
  must_apply(policy, ChangeKind::guard_engaged, "", "");
  EXPECT_FALSE(policy.guard().engaged()) << "the note changes nothing";
}

TEST(DeclineGuard, WhatRulesDeclineOrApproveIsNotTheModels) {
  TestSchema schema;
  Policy policy = policy_with(schema, "decline if amount > 10\napprove always if device == \"ok\"",
                              small_guard());
  TestPayment ours = decision_table::payment_of(schema, "amount=11 score=0.1");
  TestPayment known = decision_table::payment_of(schema, "device=ok score=0.99");
  Decision decision;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(policy.decide(ours.input(), decision), GuardEvent::none);
    EXPECT_EQ(policy.decide(known.input(), decision), GuardEvent::none);
    EXPECT_EQ(decision.outcome, Outcome::approve);
  }
  EXPECT_EQ(policy.guard().declines(), 0u);
}

TEST(DeclineGuard, CountsALastWindowAsARescanDoes) {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    auto window = static_cast<uint32_t>(1 + random.below(40)),
         seen = static_cast<uint32_t>(1 + random.below(window));
    DeclineGuard guard({window, seen, random.unit()});
    std::vector<bool> all;
    for (int i = 0; i < 200; ++i) {
      all.push_back(random.chance(0.3));
      guard.record(all.back());
      size_t from = all.size() > window ? all.size() - window : 0;
      ASSERT_EQ(guard.declines(),
                std::count(all.begin() + static_cast<long>(from), all.end(), true));
      ASSERT_EQ(guard.seen(), all.size() - from);
      std::string bytes, again;
      ByteWriter w(bytes), w2(again);
      guard.encode(w);
      ByteReader r(bytes);
      DeclineGuard back = guard;
      back.reset();
      ASSERT_TRUE(back.restore(r) && r.at_end());
      back.encode(w2);
      ASSERT_EQ(bytes, again);
    }
  }
}

TEST(DeclineGuard, AnotherWindowKeepsTheLatest) {
  DeclineGuard wide({10, 5, 1}), narrow({3, 1, 1});
  for (bool declined : {true, true, true, true, false, false, true}) wide.record(declined);
  std::string bytes;
  ByteWriter w(bytes);
  wide.encode(w);
  ByteReader r(bytes);
  ASSERT_TRUE(narrow.restore(r));
  EXPECT_EQ(narrow.seen(), 3u);
  EXPECT_EQ(narrow.declines(), 1u);
}

TEST(DeclineGuard, SwitchedOffItLetsGoWhatItHeld) {
  DeclineGuard holding({10, 5, 0.2});
  for (int i = 0; i < 5; ++i) holding.record(true);
  ASSERT_TRUE(holding.engaged());
  std::string bytes;
  ByteWriter w(bytes);
  holding.encode(w);
  for (double share_max : {0.2, 1.0}) {
    DeclineGuard restored({10, 5, share_max});
    ByteReader r(bytes);
    ASSERT_TRUE(restored.restore(r));
    EXPECT_EQ(restored.engaged(), share_max < 1);
  }
}

TEST(Policy, OptionsAreChecked) {
  TestSchema schema;
  struct Row {
    PolicyOptions options;
    const char* said;
  };
  for (const Row& row :
       {Row{{.thresholds = {0.9f, 0.5f}},
            "thresholds must be 0 or more, and review not above decline; for example: review=0.5 "
            "decline=0.9"},
        Row{{.thresholds = {-1, 0.5f}},
            "thresholds must be 0 or more, and review not above decline; for example: review=0.5 "
            "decline=0.9"},
        Row{{.guard = {.window = 0}},
            "the decline guard's window is not within 1 and 1000000 payments; take 1000"},
        Row{{.guard = {.window = 10, .seen_min = 11}},
            "the decline guard's seen_min is not within 1 and its window; take a tenth of the "
            "window"},
        Row{{.guard = {.share_max = 1.5}},
            "the decline guard's share_max is not within 0 and 1; take 0.2"}}) {
    auto policy = Policy::create(schema.vocabulary(), row.options);
    ASSERT_FALSE(policy) << row.said;
    EXPECT_EQ(policy.error().line(), row.said);
  }
}

// ---- Changes

TEST(Policy, ChangesTakeEffectAndWrongOnesChangeNothing) {
  TestSchema schema;
  Policy policy = policy_with(
      schema, "rule it: review if card in list(\"blocked\") or device in list(\"risky_devices\")");
  Hash128 before = policy.hash();
  struct Row {
    ChangeKind kind;
    const char *name, *content, *said;
  };
  for (Row row :
       {Row{ChangeKind::model, "m", "",
            "a change of model is no matter of the policy; the engine applies it"},
        Row{ChangeKind::thresholds, "", "review=0.9 decline=0.5",
            "thresholds must be 0 or more, and review not above decline; for example: review=0.5 "
            "decline=0.9"},
        Row{ChangeKind::thresholds, "", "review=0.9",
            "these are no thresholds; for example: review=0.5 decline=0.9"},
        Row{ChangeKind::thresholds, "", "review=0.1 decline=0.5 ",
            "these are no thresholds; for example: review=0.5 decline=0.9"},
        Row{ChangeKind::thresholds, "", "review=nan decline=0.5",
            "thresholds must be 0 or more, and review not above decline; for example: review=0.5 "
            "decline=0.9"},
        Row{ChangeKind::rules, "g.rules", "review if",
            "g.rules:1:10: expected a value, found the end"},
        Row{ChangeKind::rules, "4111111111111111", "",
            "the change's name holds what looks like a card number; leave it out"},
        Row{ChangeKind::list_add, "blocked", "D-13",
            "list 'blocked', line 1: an entry is not a card token, and rules look for cards in "
            "this list; a token is 32 hex digits in lower case, as the decision page shows it"},
        Row{ChangeKind::list_replace, "blocked", "D-13",
            "list 'blocked', line 1: an entry is not a card token, and rules look for cards in "
            "this list; a token is 32 hex digits in lower case, as the decision page shows it"},
        Row{ChangeKind::list_drop, "risky_devices", "",
            "rules use the list 'risky_devices'; change the rules first"},
        Row{ChangeKind::mode, "", "sleep", "that is no mode; it is 'decide' or 'observe'"}}) {
    Status done = policy.apply(change_of(row.kind, row.name, row.content));
    ASSERT_FALSE(done) << row.said;
    EXPECT_EQ(done.error().line(), row.said);
    EXPECT_EQ(policy.hash(), before) << row.said;
  }
  must_apply(policy, ChangeKind::list_add, "risky_devices", "D-99");
  must_apply(policy, ChangeKind::thresholds, "", "review=0.2 decline=0.3");
  expect_decisions(schema, policy,
                   "device=D-99 -> review it\nscore=0.2 -> review\nscore=0.3 -> decline");
  must_apply(policy, ChangeKind::list_replace, "risky_devices", "");
  expect_decisions(schema, policy, "device=D-99 -> approve");
  must_apply(policy, ChangeKind::rules, "g.rules", "decline if device == \"D-99\"");
  expect_decisions(schema, policy, "device=D-99 -> decline line_1");
  must_apply(policy, ChangeKind::list_drop, "risky_devices", "");
}

TEST(Policy, ASnapshotIsTheState) {
  TestSchema schema;
  Policy policy =
      policy_with(schema, "rule it: review if device in list(\"risky_devices\")", small_guard());
  must_apply(policy, ChangeKind::mode, "", "observe");
  for (int i = 0; i < 7; ++i) (void)outcome(policy, 0.95f);
  std::string bytes, again;
  policy.encode(bytes);
  Policy back = std::move(*Policy::create(schema.vocabulary(), small_guard()));
  EXPECT_NE(back.hash(), policy.hash());
  ASSERT_TRUE(back.restore(bytes));
  EXPECT_EQ(back.hash(), policy.hash());
  back.encode(again);
  EXPECT_EQ(bytes, again);
  EXPECT_TRUE(back.guard().engaged());
  Policy moved = std::move(back);
  expect_decisions(schema, moved,
                   "device=D-13 -> review it observed\nscore=0.95 -> review guarded observed");
}

TEST(Policy, ADamagedSnapshotChangesNothing) {
  TestSchema schema;
  Policy policy = policy_with(schema, "rule it: review if device in list(\"risky_devices\")");
  std::string bytes;
  policy.encode(bytes);
  Hash128 before = policy.hash();
  for (size_t cut = 0; cut < bytes.size(); ++cut)
    ASSERT_FALSE(policy.restore(std::string_view(bytes).substr(0, cut))) << cut;
  EXPECT_FALSE(policy.restore(bytes + "x"));
  Random random(5);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    Policy other = policy_with(schema, "");
    (void)other.restore(damaged);  // refused or another state; never a crash
  }
  EXPECT_EQ(policy.hash(), before);
  FieldTable fewer;
  Policy narrow = std::move(*Policy::create(RuleVocabulary(fewer, {}, {}), {}));
  Status done = narrow.restore(bytes);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().line().substr(0, 63),
            "test.rules:1:20: there is no field or feature 'device'; if it i");
}

TEST(Change, SurvivesTheLog) {
  Change change{ChangeKind::list_add,        "blocked", "a\nb\n", "maria", "three chargebacks",
                EventTime(1'592'741'698'123)};
  std::string bytes;
  encode_change(change, bytes);
  Result<Change> back = decode_change(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->kind, change.kind);
  EXPECT_EQ(back->name, "blocked");
  EXPECT_EQ(back->content, "a\nb\n");
  EXPECT_EQ(back->author, "maria");
  EXPECT_EQ(back->reason, "three chargebacks");
  EXPECT_EQ(back->event_time, change.event_time);
  for (size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(decode_change(std::string_view(bytes).substr(0, cut))) << cut;
  bytes[bytes.size() - 2] = 'x';
  EXPECT_EQ(decode_change(bytes).error().line(), "a change's content does not match its hash");
}

TEST(Change, KindsAndLimits) {
  for (uint8_t kind = 1; kind <= 11; ++kind)
    EXPECT_EQ(change_kind_of(name_of(static_cast<ChangeKind>(kind))),
              static_cast<ChangeKind>(kind));
  EXPECT_FALSE(change_kind_of("drop"));
  Change change = change_of(ChangeKind::rules, "f.rules", "");
  EXPECT_TRUE(check_change(change));
  change.reason = std::string(1025, 'x');
  EXPECT_EQ(check_change(change).error().line(),
            "the change's reason has more than 1024 bytes; shorten it");
  change.reason = "card 4111111111111111";
  EXPECT_EQ(check_change(change).error().line(),
            "the change's reason holds what looks like a card number; leave it out");
  change.reason = "two\nlines";
  EXPECT_EQ(check_change(change).error().line(),
            "the change's reason holds a control character; remove it");
}

}  // namespace
}  // namespace paywarden
