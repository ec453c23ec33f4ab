#include "training/thresholds.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.h"

namespace paywarden {
namespace {

// Few distinct scores, so that most of them are ties.
std::vector<SlicePayment> random_payments(Random& random, size_t count, uint32_t distinct) {
  std::vector<SlicePayment> payments;
  for (size_t i = 0; i < count; ++i) {
    float score = static_cast<float>(random.below(distinct)) / static_cast<float>(distinct);
    payments.push_back({score, random.chance(score * score), static_cast<int32_t>(random.below(5)),
                        random.unit() * 200});
  }
  return payments;
}

std::vector<float> candidates(const std::vector<SlicePayment>& payments) {
  std::set<float> scores{never_reached};
  for (const SlicePayment& p : payments) scores.insert(p.score);
  return {scores.begin(), scores.end()};
}

TEST(Thresholds, PrecisionIsTheLowestThatHolds) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    auto payments = random_payments(random, 200, 30);
    BundleThresholds chosen = thresholds_for_precision(payments, {.review = 0.5, .decline = 0.8});
    EXPECT_LE(chosen.review, chosen.decline);
    for (auto [threshold, precision] : {std::pair(chosen.review, 0.5), {chosen.decline, 0.8}})
      for (float t : candidates(payments)) {
        ThresholdReport report = measure_thresholds(payments, {t, never_reached});
        bool holds = report.reviews == 0 || report.precision() >= precision;
        if (t <= threshold) {
          EXPECT_EQ(holds, t == threshold) << t;
        }
      }
  }
}

TEST(Thresholds, BudgetHoldsOnTheWorstDayTiesIncluded) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    auto payments = random_payments(random, 300, 40);
    BundleThresholds chosen =
        thresholds_for_alerts(payments, {.alerts_a_day = 10, .declines_a_day = 3});
    EXPECT_LE(chosen.review, chosen.decline);
    for (auto [threshold, budget] : {std::pair(chosen.review, 10u), {chosen.decline, 3u}}) {
      EXPECT_LE(measure_thresholds(payments, {threshold, never_reached}).alerts_a_day_max, budget);
      for (float t : candidates(payments))
        if (t < threshold) {
          EXPECT_GT(measure_thresholds(payments, {t, never_reached}).alerts_a_day_max, budget);
        }
    }
  }
}

TEST(Thresholds, OneScoreForAllIsAllOrNothing) {
  std::vector<SlicePayment> payments(11, {0.7f, true, 3, 10});
  EXPECT_EQ(thresholds_for_alerts(payments, {.alerts_a_day = 10, .declines_a_day = 10}).review,
            never_reached);
  EXPECT_EQ(thresholds_for_alerts(payments, {.alerts_a_day = 11, .declines_a_day = 0}).review,
            0.7f);
  EXPECT_EQ(thresholds_for_alerts(payments, {.alerts_a_day = 11, .declines_a_day = 0}).decline,
            never_reached);
  EXPECT_EQ(thresholds_for_alerts({}, {}).review, never_reached);
  EXPECT_EQ(thresholds_for_precision({}, {}).review, never_reached);
}

TEST(Thresholds, CostIsTheLeastOfAll) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    auto payments = random_payments(random, 120, 25);
    CostGoal goal{.fraud_share = 1,
                  .review_cost = random.unit() * 40,
                  .review_misses = random.unit() * 0.5,
                  .decline_cost = random.unit() * 60,
                  .decline_share = random.unit() * 0.5};
    double least = 1e300;
    for (float review : candidates(payments))
      for (float decline : candidates(payments))
        if (review <= decline) least = std::min(least, cost_of(payments, {review, decline}, goal));
    BundleThresholds chosen = thresholds_for_cost(payments, goal);
    EXPECT_LE(chosen.review, chosen.decline);
    EXPECT_NEAR(cost_of(payments, chosen, goal), least, 1e-6);
  }
}

TEST(Thresholds, ReportCounts) {
  std::vector<SlicePayment> payments{{0.9f, true, 1, 5},
                                     {0.8f, false, 1, 5},
                                     {0.5f, true, 1, 5},
                                     {0.4f, true, 2, 5},
                                     {0.1f, false, 2, 5}};
  ThresholdReport report = measure_thresholds(payments, {0.5f, 0.8f});
  EXPECT_EQ(report.declines, 2u);
  EXPECT_EQ(report.reviews, 1u);
  EXPECT_EQ(report.frauds_declined, 1u);
  EXPECT_EQ(report.frauds_reviewed, 1u);
  EXPECT_EQ(report.days, 2u);
  EXPECT_EQ(report.alerts_a_day_max, 3u);
  EXPECT_DOUBLE_EQ(report.precision(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(report.recall(), 2.0 / 3);
}

}  // namespace
}  // namespace paywarden
