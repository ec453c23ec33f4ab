#include "report/ranking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "report/random_sample.h"

namespace paywarden {
namespace {

using test::random_sample;

// ---- The referee: slow, by the definitions, and sharing no line with what it judges ----

struct Point {
  double precision, recall;
};

struct Referee {
  const std::vector<ScoredPayment>& payments;

  double count(const std::function<bool(const ScoredPayment&)>& is) const {
    return static_cast<double>(std::ranges::count_if(payments, is));
  }
  double frauds() const {
    return count([](auto& p) { return p.is_fraud; });
  }

  // The share of pairs (fraud, genuine) in the right order; a tie is half a pair.
  double auc_roc() const {
    double right = 0;
    for (const ScoredPayment& fraud : payments)
      for (const ScoredPayment& other : payments)
        if (fraud.is_fraud && !other.is_fraud)
          right += fraud.score > other.score ? 1 : fraud.score == other.score ? 0.5 : 0;
    return right / (frauds() * (static_cast<double>(payments.size()) - frauds()));
  }

  // At each distinct threshold, from the highest score down.
  std::vector<Point> points() const {
    std::vector<double> scores;
    for (const ScoredPayment& p : payments) scores.push_back(p.score);
    std::ranges::sort(scores, std::greater());
    scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
    std::vector<Point> points;
    for (double score : scores) {
      double alerts = count([&](auto& p) { return p.score >= score; });
      double hits = count([&](auto& p) { return p.score >= score && p.is_fraud; });
      points.push_back({hits / alerts, hits / frauds()});
    }
    return points;
  }

  double average_precision() const {
    double area = 0, before = 0;
    for (const Point& point : points()) {
      area += point.precision * (point.recall - before);
      before = point.recall;
    }
    return area;
  }

  double recall_at_precision_90() const {
    double best = 0;
    for (const Point& point : points())
      if (point.precision >= 0.9) best = std::max(best, point.recall);
    return best;
  }

  double accuracy() const {
    double right = count([](auto& p) { return (p.score >= 0.5) == p.is_fraud; });
    return right / static_cast<double>(payments.size());
  }
};

Ranking quality_of(std::vector<ScoredPayment> payments) {
  sort_by_score(payments);
  return rank_quality(payments);
}

TEST(Ranking, EqualsTheRefereeOverRandomSamples) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    test::RandomSample wanted{.payments = 50 + seed * 7,
                              .fraud_share = seed % 3 ? 0.08 : 0.5,
                              .score_levels = seed % 4 ? static_cast<uint32_t>(seed) : 1'000'000};
    std::vector<ScoredPayment> payments = random_sample(wanted, seed).payments;
    payments[0].is_fraud = true;
    payments[1].is_fraud = false;
    Referee referee{payments};
    Ranking quality = quality_of(payments);
    SCOPED_TRACE("seed " + std::to_string(seed));
    EXPECT_NEAR(quality.auc_roc, referee.auc_roc(), 1e-12);
    EXPECT_NEAR(quality.average_precision, referee.average_precision(), 1e-12);
    EXPECT_DOUBLE_EQ(quality.recall_at_precision_90, referee.recall_at_precision_90());
    EXPECT_DOUBLE_EQ(quality.accuracy, referee.accuracy());
  }
}

std::vector<ScoredPayment> scored(std::initializer_list<std::pair<double, bool>> pairs) {
  std::vector<ScoredPayment> payments;
  for (auto [score, is_fraud] : pairs) payments.push_back({.score = score, .is_fraud = is_fraud});
  return payments;
}

TEST(Ranking, KnownByHand) {
  Ranking perfect = quality_of(scored({{0.9, true}, {0.8, true}, {0.2, false}, {0.1, false}}));
  EXPECT_EQ(perfect.auc_roc, 1);
  EXPECT_EQ(perfect.average_precision, 1);
  EXPECT_EQ(perfect.recall_at_precision_90, 1);
  EXPECT_EQ(perfect.score_at_precision_90, 0.8);
  EXPECT_EQ(perfect.accuracy, 1);

  Ranking tied = quality_of(scored({{0.5, true}, {0.5, false}, {0.5, false}, {0.5, false}}));
  EXPECT_EQ(tied.auc_roc, 0.5);
  EXPECT_EQ(tied.average_precision, 0.25);
  EXPECT_EQ(tied.recall_at_precision_90, 0);
  EXPECT_TRUE(std::isnan(tied.score_at_precision_90));
  EXPECT_EQ(tied.accuracy, 0.25);
  EXPECT_EQ(tied.accuracy_of_never_fraud, 0.75);

  // Scikit-learn's own example of average_precision_score.
  Ranking known = quality_of(scored({{0.1, false}, {0.4, false}, {0.35, true}, {0.8, true}}));
  EXPECT_NEAR(known.average_precision, 0.8333, 5e-5);
  EXPECT_EQ(known.auc_roc, 0.75);
}

TEST(Ranking, OneClassAloneIsUnknown) {
  Ranking genuine = quality_of(scored({{0.9, false}, {0.1, false}}));
  EXPECT_TRUE(std::isnan(genuine.auc_roc));
  EXPECT_TRUE(std::isnan(genuine.average_precision));
  EXPECT_TRUE(std::isnan(genuine.recall_at_precision_90));
  EXPECT_EQ(genuine.accuracy, 0.5);
  Ranking frauds = quality_of(scored({{0.9, true}, {0.1, true}}));
  EXPECT_TRUE(std::isnan(frauds.auc_roc));
  EXPECT_EQ(frauds.average_precision, 1);
}

}  // namespace
}  // namespace paywarden
