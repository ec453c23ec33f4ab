// Decisions and data from files, put together, and what is said when they do not fit.
#include "report/labelled_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/report_testing.h"

namespace paywarden {
namespace {

using test::EvaluationBench;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kHead = "id,at,card,amount,currency,category,fraud\n";
const std::string kData = kHead +
                          "p1,2020-01-01T10:00:00Z,c1,10.00,EUR,food,0\n"
                          "p2,2020-01-01T11:00:00Z,c2,20.00,EUR,games,1\n"
                          "p3,2020-01-03T10:00:00Z,c1,30.00,EUR,food,1\n";

std::string decision(const std::string& id, const std::string& score,
                     const std::string& more = "") {
  return R"({"payment_id":")" + id + R"(","score":)" + score + R"(,"outcome":"approve")" + more +
         "}\n";
}

const std::string kDecisions =
    decision("p1", "0.1") + decision("p2", "0.9") + decision("p3", "0.2");

TEST(Evaluation, JoinsByPaymentId) {
  EvaluationBench bench;
  // In another order, with members that nobody asked for, and a number for the score's text.
  auto metrics = bench.evaluate(
      R"({"reasons":[{"feature":"x","value":1}],"score":2e-1,"payment_id":"p3","outcome":"approve"})"
      "\n"
      R"({"payment_id":"p2","model":"m1","score":0.9,"outcome":"decline","card":"c"})"
      "\n"
      R"( {"outcome" : "review", "score" : 0, "payment_id" : "p1", "model":"m2"} )",
      kData);
  ASSERT_TRUE(metrics) << metrics.error().line();
  EXPECT_EQ(metrics->payments, 3u);
  EXPECT_EQ(metrics->frauds, 2u);
  EXPECT_EQ(metrics->cards, 2u);
  EXPECT_EQ(metrics->fraud_minor, 5'000);
  EXPECT_EQ(metrics->alerts.caught, 1u);
  EXPECT_EQ(metrics->outcomes[1].genuine, 1u);
  EXPECT_EQ(format_rfc3339(metrics->first), "2020-01-01T10:00:00.000Z");
  EXPECT_EQ(format_rfc3339(metrics->last), "2020-01-03T10:00:00.000Z");
  EXPECT_EQ(metrics->days, 2);
  EXPECT_EQ(metrics->by_day.size(), 3u);
  EXPECT_THAT(metrics->models, ElementsAre("m1", "m2"));
}

TEST(Evaluation, NumbersAreIdsToo) {
  EvaluationBench bench;
  auto metrics = bench.evaluate(R"({"payment_id": 17 ,"score":0.5,"outcome":"review"})",
                                kHead + "17,2020-01-01T10:00:00Z,c1,1,EUR,food,1\n");
  ASSERT_TRUE(metrics) << metrics.error().line();
  EXPECT_EQ(metrics->alerts.caught, 1u);
}

TEST(Evaluation, WhatWasOnlyObservedCountsAsWhatItWouldHaveBeen) {
  EvaluationBench bench;
  auto metrics =
      bench.evaluate(decision("p1", "0.1") + decision("p2", "0.9", R"(,"would_be":"decline")") +
                         decision("p3", "0.2"),
                     kData);
  ASSERT_TRUE(metrics) << metrics.error().line();
  EXPECT_EQ(metrics->declines.caught, 1u);
}

TEST(Evaluation, TheShadowsWordCountsWhereItIsAskedFor) {
  EvaluationBench bench;
  const char* shadow =
      R"(,"shadow":{"model":"next","score":0.9,"outcome":"decline"},"would_be":"approve")";
  std::string decisions =
      decision("p1", "0.1", R"(,"shadow":{"model":"next","score":0.2,"outcome":"approve"})") +
      decision("p2", "0.3", shadow) +
      decision("p3", "0.2", R"(,"shadow":{"model":"next","score":0,"outcome":"approve"})");
  auto champion = bench.evaluate(decisions, kData);
  ASSERT_TRUE(champion) << champion.error().line();
  EXPECT_EQ(champion->declines.caught, 0u);
  bench.options.decisions.shadow = true;
  auto challenger = bench.evaluate(decisions, kData);
  ASSERT_TRUE(challenger) << challenger.error().line();
  EXPECT_EQ(challenger->declines.caught, 1u);
  auto without = bench.evaluate(decision("p1", "0.1") + decisions, kData);
  ASSERT_FALSE(without);
  EXPECT_NE(without.error().line().find(":1: no shadow model has scored it"), std::string::npos)
      << without.error().line();
}

// ---- Decisions that are refused: the line is named ----

struct RefusedLine {
  const char* line;
  const char* error;
};

class RefusedDecision : public testing::TestWithParam<RefusedLine> {};

TEST_P(RefusedDecision, NamesTheLine) {
  EvaluationBench bench;
  std::string refusal =
      bench.refusal(decision("p1", "0.1") + GetParam().line + "\n" + decision("p3", "0"), kData);
  EXPECT_THAT(refusal, testing::StartsWith(std::string("D.ndjson:2: ") + GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedDecision,
    testing::Values(
        RefusedLine{R"({"payment_id":"p1","score":0.3,"outcome":"approve"})",
                    "a second decision for payment 'p1' (the first is in line 1)"},
        RefusedLine{R"({"payment_id":"p2","score":1.5,"outcome":"approve"})",
                    "score 1.5 is outside 0..1"},
        RefusedLine{R"({"payment_id":"p2","score":-0.1,"outcome":"approve"})",
                    "score -0.1 is outside 0..1"},
        RefusedLine{R"({"payment_id":"p2","score":"0.1","outcome":"approve"})",
                    "score is not a number"},
        RefusedLine{R"({"payment_id":"p2","score":null,"outcome":"approve"})",
                    "score is not a number"},
        RefusedLine{R"({"payment_id":"p2","score":NaN,"outcome":"approve"})",
                    "score is not a number"},
        RefusedLine{R"({"payment_id":"p2","outcome":"approve"})", "has no score"},
        RefusedLine{R"({"payment_id":"p2","score":0.1,"outcome":"approve","shadow":1})",
                    "shadow is no object"},
        RefusedLine{R"({"payment_id":"p2","score":0.1,"outcome":"approve","shadow":{"score":""}})",
                    "score is not a number"},
        RefusedLine{R"({"score":0.1,"outcome":"approve"})", "has no payment_id"},
        RefusedLine{R"({"payment_id":"","score":0.1,"outcome":"approve"})", "has no payment_id"},
        RefusedLine{R"({"payment_id":["p2"],"score":0.1,"outcome":"approve"})",
                    "payment_id is neither text nor a number"},
        RefusedLine{R"({"payment_id":"p2","score":0.1})", "has no outcome"},
        RefusedLine{R"({"payment_id":"p2","score":0.1,"outcome":"block"})",
                    "outcome 'block' is none"},
        RefusedLine{R"({"payment_id":"p2","score":0.1,"outcome":3})", "outcome is not text"},
        RefusedLine{R"({"payment_id":"p2","score":0.1,"outcome":"approve")", "is not JSON"},
        RefusedLine{R"({"payment_id":"p2" "score":0.1})", "is not JSON"},
        RefusedLine{R"({"payment_id":"p2","score":0.1,"outcome":"approve"}{})",
                    "holds more than one JSON object"},
        RefusedLine{R"(["p2",0.1])", "is not a JSON object"}, RefusedLine{"p2,0.1", "is not"},
        RefusedLine{"", "is empty"}));

TEST(Evaluation, LimitsOnDecisions) {
  EvaluationBench bench;
  bench.options.decisions.decisions_max = 2;
  EXPECT_THAT(bench.refusal(kDecisions, kData), HasSubstr("D.ndjson:3: more than 2 decisions"));
  bench.options.decisions = {};
  bench.options.decisions.line_bytes_max = 100;
  EXPECT_THAT(
      bench.refusal(decision("p1", "0.1", R"(,"x":")" + std::string(200, 'x') + "\""), kData),
      HasSubstr("D.ndjson:1: is longer than 100 bytes"));
}

TEST(Evaluation, FilesThatAreMissingOrEmpty) {
  EvaluationBench bench;
  EXPECT_THAT(bench.refusal("", kData), HasSubstr("D.ndjson: holds no decision"));
  Result<DecisionFile> none = read_decisions(bench.folder / "none.ndjson");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().line(), HasSubstr("none.ndjson"));
}

TEST(Evaluation, ErrorsMaskCardNumbers) {
  EvaluationBench bench;
  std::string twice = decision("4111 1111 1111 1111", "0.1");
  EXPECT_THAT(bench.refusal(twice + twice, kData), testing::Not(HasSubstr("1111 1111 1111")));
}

// ---- Data that do not fit ----

TEST(Evaluation, EveryPaymentNeedsADecision) {
  EvaluationBench bench;
  EXPECT_EQ(bench.refusal(decision("p1", "0.1") + decision("p3", "0.2"), kData),
            "data.csv:3: no decision for payment 'p2'; give the data that were replayed, and "
            "decisions of a replay "
            "that came to its end");
  EXPECT_THAT(bench.refusal(decision("p1", "0.1"), kData),
              HasSubstr("data.csv:3: no decision for payment 'p2', nor for 1 others"));
}

TEST(Evaluation, SaysHowToLeaveOutWhatOnlyWarmedUp) {
  EvaluationBench bench;
  EXPECT_EQ(bench.refusal(decision("p3", "0.2"), kData),
            "data.csv:2: no decision for payment 'p1', nor for 1 others; if the replay began "
            "later, say so: --from "
            "2020-01-03T10:00:00.000Z");
}

TEST(Evaluation, LeavesOutWhatIsBeforeFrom) {
  EvaluationBench bench;
  bench.options.sample.from = test::at("2020-01-01T11:00:00Z");
  auto metrics = bench.evaluate(decision("p2", "0.9") + decision("p3", "0.2"), kData);
  ASSERT_TRUE(metrics) << metrics.error().line();
  EXPECT_EQ(metrics->payments, 2u);
  EXPECT_EQ(metrics->notes.before_from, 1u);
  // Decided or not.
  metrics = bench.evaluate(kDecisions, kData);
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->payments, 2u);
  EXPECT_EQ(metrics->notes.decisions_unused, 1u);

  bench.options.sample.from = test::at("2021-01-01T00:00:00Z");
  EXPECT_THAT(bench.refusal(kDecisions, kData),
              HasSubstr("all of them are before --from 2021-01-01T00:00:00.000Z"));
}

TEST(Evaluation, CountsWhatItCannotUse) {
  EvaluationBench bench;
  auto metrics =
      bench.evaluate(kDecisions + decision("other", "0.5"),
                     kData +
                         "p1,2020-01-04T10:00:00Z,c1,10.00,EUR,food,1\n"  // again
                         "p4,2020-01-04T10:00:00Z,c1,-1,EUR,food,1\n");   // refused by intake
  ASSERT_TRUE(metrics) << metrics.error().line();
  EXPECT_EQ(metrics->payments, 3u);
  EXPECT_EQ(metrics->frauds, 2u);
  EXPECT_EQ(metrics->notes.repeated, 1u);
  EXPECT_EQ(metrics->notes.refused, 1u);
  EXPECT_EQ(metrics->notes.decisions_unused, 1u);
}

TEST(Evaluation, LabelsMayBeMissingButNotAll) {
  EvaluationBench bench;
  auto metrics = bench.evaluate(decision("p1", "0.1") + decision("p2", "0.1"),
                                kHead +
                                    "p1,2020-01-01T10:00:00Z,c1,10,EUR,food,\n"
                                    "p2,2020-01-01T10:00:00Z,c1,10,EUR,food,1\n");
  ASSERT_TRUE(metrics) << metrics.error().line();
  EXPECT_EQ(metrics->notes.unlabelled, 1u);
  EXPECT_THAT(
      bench.refusal(decision("p1", "0.1"), kHead + "p1,2020-01-01T10:00:00Z,c1,10,EUR,food,\n"),
      HasSubstr("the data have no labels"));
}

// ---- Money ----

TEST(Evaluation, MoneyOfOtherCurrenciesNeedsARate) {
  EvaluationBench bench;
  std::string data = kHead +
                     "p1,2020-01-01T10:00:00Z,c1,10.00,EUR,food,1\n"
                     "p2,2020-01-01T11:00:00Z,c2,500,JPY,games,1\n";
  std::string decisions = decision("p1", "0.1") + decision("p2", "0.9");
  auto metrics = bench.evaluate(decisions, data);
  ASSERT_TRUE(metrics) << metrics.error().line();
  EXPECT_EQ(metrics->fraud_minor, 1'000);
  EXPECT_EQ(metrics->notes.without_rate, 1u);

  bench.options.sample.to_base = [](int64_t minor, Currency currency) -> std::optional<int64_t> {
    return currency.code() == "JPY" ? minor / 2 : minor;
  };
  metrics = bench.evaluate(decisions, data);
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->fraud_minor, 1'250);
  EXPECT_EQ(metrics->notes.without_rate, 0u);
}

// ---- Cases ----

std::vector<std::string> ids_of(const std::vector<Case>& cases) {
  std::vector<std::string> ids;
  for (const Case& shown : cases) ids.push_back(shown.payment_id);
  return ids;
}

TEST(Evaluation, ShowsTheCasesToLearnFrom) {
  EvaluationBench bench;
  bench.options.sample.cases_max = 2;
  std::string data = kHead, decisions;
  struct Row {
    const char *id, *score, *outcome, *amount, *fraud;
  };
  for (const Row& row :
       {Row{"a", "0.30", "approve", "500", "1"}, Row{"b", "0.01", "approve", "5", "1"},
        Row{"c", "0.02", "decline", "9000", "1"}, Row{"d", "0.03", "approve", "50", "1"},
        Row{"e", "0.99", "decline", "7", "0"}, Row{"f", "0.50", "review", "8", "0"},
        Row{"g", "0.10", "approve", "9", "0"}}) {
    data += std::string(row.id) + ",2020-01-01T10:00:00Z,c1," + row.amount + ",EUR,food," +
            row.fraud + "\n";
    decisions += std::string(R"({"payment_id":")") + row.id + R"(","score":)" + row.score +
                 R"(,"outcome":")" + row.outcome + "\"}\n";
  }
  auto metrics = bench.evaluate(decisions, data);
  ASSERT_TRUE(metrics) << metrics.error().line();
  EXPECT_THAT(ids_of(metrics->hardest_misses), ElementsAre("b", "c"));
  EXPECT_THAT(ids_of(metrics->costliest_misses), ElementsAre("a", "d"));
  EXPECT_THAT(ids_of(metrics->loudest_alarms), ElementsAre("e", "f"));
  EXPECT_EQ(metrics->hardest_misses[0].amount_minor, 500);
  EXPECT_EQ(metrics->hardest_misses[0].category, "food");
}

}  // namespace
}  // namespace paywarden
