#include "report/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "report/card_precision.h"
#include "report/random_sample.h"

namespace paywarden {
namespace {

using test::random_sample;

// ---- Outcomes ----

// One payment of each line, in the order of days.
struct Line {
  int day;
  Outcome outcome;
  bool is_fraud;
  int64_t amount_minor;
  double score = 0.5;
};

Sample sample_of(std::initializer_list<Line> lines, int day_count) {
  Sample sample;
  sample.currency = test::euro();
  sample.cards = 1;
  sample.first = EventTime(0);
  sample.last = EventTime(0) + days(day_count);
  for (const Line& line : lines) {
    ScoredPayment p;
    p.score = line.score;
    p.amount_minor = line.amount_minor;
    p.position = static_cast<uint32_t>(sample.payments.size());
    p.day = line.day;
    p.outcome = line.outcome;
    p.is_fraud = line.is_fraud;
    sample.payments.push_back(p);
  }
  return sample;
}

constexpr bool kFraud = true, kGenuine = false;

const Sample& example() {
  using enum Outcome;
  static const Sample kSample = sample_of({{0, approve, kGenuine, 1000},
                                           {0, decline, kFraud, 5000},
                                           {1, review, kGenuine, 2000},
                                           {1, approve, kFraud, 700},
                                           {1, review, kFraud, 300},
                                           {3, decline, kGenuine, 100},
                                           {9, decline, kFraud, 4000},
                                           {9, approve, kGenuine, 10}},
                                          10);
  return kSample;
}

TEST(Metrics, CountsByOutcome) {
  Metrics metrics = measure(example());
  EXPECT_EQ(metrics.payments, 8u);
  EXPECT_EQ(metrics.frauds, 4u);
  EXPECT_EQ(metrics.fraud_minor, 10'000);
  EXPECT_EQ(metrics.days, 10);
  const OutcomeCounts& approved = metrics.outcomes[0];
  EXPECT_EQ(approved.genuine, 2u);
  EXPECT_EQ(approved.frauds, 1u);
  EXPECT_EQ(approved.genuine_minor, 1'010);
  EXPECT_EQ(approved.fraud_minor, 700);
  EXPECT_EQ(metrics.outcomes[1].frauds, 1u);
  EXPECT_EQ(metrics.outcomes[2].frauds, 2u);
  EXPECT_EQ(metrics.outcomes[2].genuine, 1u);
}

TEST(Metrics, JudgesAlertsAsDecided) {
  Metrics metrics = measure(example());
  EXPECT_EQ(metrics.alerts.alerts, 5u);
  EXPECT_EQ(metrics.alerts.caught, 3u);
  EXPECT_EQ(metrics.alerts.missed, 1u);
  EXPECT_EQ(metrics.alerts.false_alarms, 2u);
  EXPECT_DOUBLE_EQ(metrics.alerts.precision, 0.6);
  EXPECT_DOUBLE_EQ(metrics.alerts.recall, 0.75);
  EXPECT_DOUBLE_EQ(metrics.alerts.false_alarm_share, 0.5);
  EXPECT_DOUBLE_EQ(metrics.alerts.alerts_a_day, 0.5);
  EXPECT_EQ(metrics.alerts.caught_minor, 9'300);
  EXPECT_EQ(metrics.alerts.missed_minor, 700);
  EXPECT_DOUBLE_EQ(metrics.alerts.money_recall, 0.93);
  EXPECT_EQ(metrics.declines.alerts, 3u);
  EXPECT_EQ(metrics.declines.caught, 2u);
  EXPECT_DOUBLE_EQ(metrics.declines.money_recall, 0.9);
}

TEST(Metrics, CountsDaysWithoutGapsAndWeeks) {
  Metrics metrics = measure(example());
  ASSERT_EQ(metrics.by_day.size(), 10u);
  EXPECT_EQ(metrics.by_day[1].payments, 3u);
  EXPECT_EQ(metrics.by_day[1].reviews, 2u);
  EXPECT_EQ(metrics.by_day[1].caught, 1u);
  EXPECT_EQ(metrics.by_day[1].caught_by_decline, 0u);
  EXPECT_EQ(metrics.by_day[2].payments, 0u);
  EXPECT_TRUE(std::isnan(metrics.by_day[2].precision()));
  EXPECT_TRUE(std::isnan(metrics.by_day[2].card_precision));
  ASSERT_EQ(metrics.weeks.size(), 2u);
  EXPECT_EQ(metrics.weeks[0].days, 7);
  EXPECT_EQ(metrics.weeks[0].payments, 6u);
  EXPECT_DOUBLE_EQ(metrics.weeks[0].precision(), 0.5);
  EXPECT_EQ(metrics.weeks[1].first_day, 7);
  EXPECT_EQ(metrics.weeks[1].days, 3);
  EXPECT_EQ(metrics.weeks[1].caught_minor, 4'000);
}

TEST(Metrics, PeriodsAddUpToTheWhole) {
  Metrics metrics = measure(random_sample({.payments = 5'000, .days = 40}, 5));
  for (const std::vector<Period>* periods : {&metrics.by_day, &metrics.weeks}) {
    Period all;
    for (const Period& period : *periods) {
      all.payments += period.payments;
      all.frauds += period.frauds;
      all.caught += period.caught;
      all.fraud_minor += period.fraud_minor;
      all.caught_minor += period.caught_minor;
    }
    EXPECT_EQ(all.payments, metrics.payments);
    EXPECT_EQ(all.frauds, metrics.frauds);
    EXPECT_EQ(all.caught, metrics.alerts.caught);
    EXPECT_EQ(all.fraud_minor, metrics.fraud_minor);
    EXPECT_EQ(all.caught_minor, metrics.alerts.caught_minor);
  }
}

// ---- Scores ----

TEST(Metrics, CalibratesTenthsOfProbability) {
  using enum Outcome;
  Metrics metrics = measure(sample_of({{0, approve, kGenuine, 1, 0.0},
                                       {0, approve, kGenuine, 1, 0.05},
                                       {0, decline, kFraud, 1, 0.95},
                                       {0, decline, kGenuine, 1, 0.9},
                                       {0, decline, kFraud, 1, 1.0}},
                                      1));
  const CalibrationCurve& calibration = metrics.calibration;
  ASSERT_EQ(calibration.bins.size(), 10u);
  EXPECT_EQ(calibration.bins[0].payments, 2u);
  EXPECT_DOUBLE_EQ(calibration.bins[0].mean_score, 0.025);
  EXPECT_EQ(calibration.bins[0].fraud_share, 0);
  EXPECT_EQ(calibration.bins[5].payments, 0u);
  EXPECT_EQ(calibration.bins[9].payments, 3u) << "a score of 1 lies in the last bin";
  EXPECT_NEAR(calibration.bins[9].fraud_share, 2.0 / 3, 1e-12);
  // statsmodels: proportion_confint(2, 3, method="wilson")
  EXPECT_NEAR(calibration.bins[9].low, 0.2077, 1e-4);
  EXPECT_NEAR(calibration.bins[9].high, 0.9385, 1e-4);
  EXPECT_NEAR(calibration.brier, (0.05 * 0.05 + 0.05 * 0.05 + 0.9 * 0.9) / 5, 1e-12);
  EXPECT_NEAR(calibration.brier_of_base_rate, 0.4 * 0.6, 1e-12);
  EXPECT_NEAR(calibration.error, (2 * 0.025 + 3 * (0.95 - 2.0 / 3)) / 5, 1e-12);
}

TEST(Metrics, ScoreBinsHoldEveryPayment) {
  Metrics metrics = measure(random_sample({.payments = 3'000}, 11));
  uint64_t genuine = 0, frauds = 0;
  for (const ScoreBin& bin : metrics.scores) {
    genuine += bin.genuine;
    frauds += bin.frauds;
  }
  EXPECT_EQ(frauds, metrics.frauds);
  EXPECT_EQ(genuine + frauds, metrics.payments);
}

TEST(Metrics, CurvesPassThroughTheirEnds) {
  Metrics metrics = measure(random_sample({.payments = 3'000}, 13));
  EXPECT_EQ(metrics.roc.front().x, 0);
  EXPECT_EQ(metrics.roc.back().x, 1);
  EXPECT_EQ(metrics.roc.back().y, 1);
  EXPECT_EQ(metrics.precision_recall.back().x, 1);
  EXPECT_EQ(metrics.money.back().y, 1);
  EXPECT_DOUBLE_EQ(metrics.money.back().x, 300);
}

// What the outcomes gave, when they follow the score alone, is a point of the curves.
TEST(Metrics, OutcomesByScoreLieOnTheCurves) {
  Metrics metrics = measure(random_sample({.payments = 3'000, .score_levels = 20}, 17));
  auto at = std::ranges::find(metrics.precision_recall, 0.5, &CurvePoint::score);
  ASSERT_NE(at, metrics.precision_recall.end());
  EXPECT_DOUBLE_EQ(at->x, metrics.alerts.recall);
  EXPECT_DOUBLE_EQ(at->y, metrics.alerts.precision);
  auto money = std::ranges::find(metrics.money, 0.8, &CurvePoint::score);
  ASSERT_NE(money, metrics.money.end());
  EXPECT_DOUBLE_EQ(money->x, metrics.declines.alerts_a_day);
  EXPECT_DOUBLE_EQ(money->y, metrics.declines.money_recall);
}

TEST(Metrics, TheOrderOfTheSampleChangesNothing) {
  Sample sample = random_sample({.payments = 2'000}, 19);
  Sample reversed = sample;
  std::ranges::reverse(reversed.payments);
  Metrics a = measure(std::move(sample)), b = measure(std::move(reversed));
  EXPECT_EQ(a.ranking.average_precision, b.ranking.average_precision);
  EXPECT_EQ(a.card_precision, b.card_precision);
  EXPECT_EQ(a.alerts.caught_minor, b.alerts.caught_minor);
  EXPECT_EQ(a.roc.size(), b.roc.size());
}

// ---- Cards ----

// The Fraud Detection Handbook's protocol, as the project's quality script has it.
std::vector<double> referee_card_precision(const std::vector<ScoredPayment>& payments, size_t k) {
  std::map<int32_t, std::vector<ScoredPayment>> by_day;
  for (const ScoredPayment& p : payments) by_day[p.day].push_back(p);
  std::set<uint32_t> detected;
  std::vector<double> precisions;
  for (const auto& [day, of_day] : by_day) {
    std::vector<std::tuple<double, uint32_t, bool>>
        cards;  // score, card, fraud; in order of appearance
    for (const ScoredPayment& p : of_day) {
      if (detected.contains(p.card)) continue;
      auto it = std::ranges::find(cards, p.card, [](auto& c) { return std::get<1>(c); });
      if (it == cards.end()) it = cards.insert(cards.end(), {0, p.card, false});
      auto& [score, card, fraud] = *it;
      score = std::max(score, p.score);
      fraud = fraud || p.is_fraud;
    }
    std::ranges::stable_sort(cards, std::greater(), [](auto& c) { return std::get<0>(c); });
    size_t found = 0;
    for (size_t i = 0; i < std::min(k, cards.size()); ++i) {
      if (!std::get<2>(cards[i])) continue;
      detected.insert(std::get<1>(cards[i]));
      ++found;
    }
    precisions.push_back(static_cast<double>(found) / static_cast<double>(k));
  }
  return precisions;
}

TEST(CardPrecision, EqualsTheRefereeOverRandomSamples) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Sample sample =
        random_sample({.payments = 1'500, .score_levels = 8, .cards = 300, .days = 8}, seed);
    std::ranges::stable_sort(sample.payments, {}, &ScoredPayment::day);
    std::vector<double> referee = referee_card_precision(sample.payments, 10);
    std::vector<DayPrecision> days = card_precision_by_day(sample.payments, sample.cards, 10);
    ASSERT_EQ(days.size(), referee.size());
    double sum = 0;
    for (size_t i = 0; i < days.size(); ++i) {
      EXPECT_EQ(days[i].precision, referee[i]) << "seed " << seed << ", day " << i;
      EXPECT_LE(days[i].precision, days[i].possible);
      sum += referee[i];
    }
    Metrics metrics = measure(std::move(sample), {.card_precision_k = 10});
    EXPECT_NEAR(metrics.card_precision, sum / static_cast<double>(referee.size()), 1e-12);
  }
}

}  // namespace
}  // namespace paywarden
