#include "app/backtest_tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

namespace paywarden {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Pairs = std::vector<std::string>;

Pairs pairs_of(const RuleOverlap& overlap, size_t most = kRulePairsShown) {
  Pairs out;
  for (const RulePair& p : overlap.strongest(most))
    out.push_back(std::string(p.first) + "+" + std::string(p.second) + " " +
                  std::to_string(p.payments) + "/" + std::to_string(p.frauds) + "/" +
                  std::to_string(p.known));
  return out;
}

TEST(RuleOverlap, CountsPairsOfEachPayment) {
  RuleOverlap overlap;
  overlap.add({}, true);
  overlap.add({"night"}, true);
  EXPECT_EQ(overlap.pairs(), 0u);
  overlap.add({"night", "far", "big"}, true);
  overlap.add({"far", "night"}, false);
  overlap.add({"night", "far"}, std::nullopt);
  overlap.add({"big", "night"}, std::nullopt);
  EXPECT_THAT(pairs_of(overlap),
              ElementsAre("far+night 3/1/2", "big+night 2/1/1", "big+far 1/1/1"));
  RulePair first = overlap.strongest(1).front();
  EXPECT_DOUBLE_EQ(first.of_first, 1.0);       // far hits 3
  EXPECT_DOUBLE_EQ(first.of_second, 3.0 / 5);  // night hits 5
}

TEST(RuleOverlap, ShowsTheStrongestAlone) {
  RuleOverlap overlap;
  for (char a = 'a'; a < 'i'; ++a)
    for (int times = 0; times <= a - 'a'; ++times) overlap.add({std::string(1, a), "z"}, false);
  for (char a = 'a'; a < 'i'; ++a) overlap.add({std::string(1, a), "y", "x"}, false);
  EXPECT_EQ(overlap.pairs(), 8u + 8 * 2 + 1);
  EXPECT_THAT(pairs_of(overlap, 4),
              ElementsAre("h+z 8/0/8", "x+y 8/0/8", "g+z 7/0/7", "f+z 6/0/6"));
  EXPECT_EQ(pairs_of(overlap).size(), kRulePairsShown);
}

Decision decided(Outcome outcome, float score, std::vector<std::string> rules) {
  Decision decision;
  decision.outcome = outcome;
  decision.score = score;
  decision.rules = std::move(rules);
  return decision;
}

std::string joined(const BacktestTally& tally) {
  std::string out;
  for (const std::string& line : tally.lines("EUR")) out += line + '\n';
  return out;
}

// What a rule does alone can only be said where it is known what the score would have done.
TEST(BacktestTally, WithoutAThresholdNothingIsSaidOfARuleAlone) {
  BacktestTally tally({}, {"night", "idle"});
  Decision then = decided(Outcome::review, 0.2f, {"night"});
  Decision now = decided(Outcome::decline, 0.2f, {"night"});
  tally.add({EventTime(0), 12.5, true}, {then, 0.4f}, {now, 0.4f});
  EXPECT_THAT(joined(tally), HasSubstr("present rule night: 1 hits, precision 1.0000, 1 alerts"));
  EXPECT_THAT(joined(tally), HasSubstr("proposed rule idle: 0 hits, precision -, 0 alerts"));
  tally.add({EventTime(0), 12.5, {}}, {then, {}}, {now, 0.1f});
  EXPECT_THAT(joined(tally), HasSubstr("present rule night: 2 hits, precision 1.0000, - alerts"));
  EXPECT_THAT(joined(tally), HasSubstr("proposed rule night: 2 hits, precision 1.0000, 1 alerts"));
  simdjson::dom::parser parser;
  simdjson::dom::element report;
  ASSERT_FALSE(parser.parse(tally.json("EUR")).get(report));
  EXPECT_TRUE(report.at_pointer("/present/rules/0/alone").value().is_null());
  EXPECT_EQ(int64_t(report.at_pointer("/proposed/rules/1/alone")), 1);
}

TEST(BacktestTally, SaysThatThereAreMorePairs) {
  std::vector<std::string> rules;
  for (int i = 0; i < 8; ++i) rules.push_back("rule" + std::to_string(i));
  BacktestTally tally(rules, {});
  Decision then = decided(Outcome::review, 0, rules), now = decided(Outcome::approve, 0, {});
  tally.add({EventTime(0), 1, false}, {then, 0.4f}, {now, 0.4f});
  EXPECT_THAT(joined(tally),
              HasSubstr("present rules rule0 and rule1: 1 payments hit by both (100 % "
                        "and 100 % of theirs), 0 frauds, precision 0.0000"));
  EXPECT_THAT(
      joined(tally),
      HasSubstr("present rules: 28 pairs hit the same payments, the 20 with most are shown"));
  simdjson::dom::parser parser;
  simdjson::dom::element report;
  ASSERT_FALSE(parser.parse(tally.json("EUR")).get(report));
  EXPECT_EQ(int64_t(report.at_pointer("/present/rule_pairs_overlapping")), 28);
  EXPECT_EQ(report.at_pointer("/present/rule_pairs").get_array().size(), kRulePairsShown);
}

}  // namespace
}  // namespace paywarden
