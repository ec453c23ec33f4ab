#include "training/calibrate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace paywarden {
namespace {

double true_share(double score, double a, double b) {
  double z = a * std::log(score / (1 - score)) + b;
  return 1 / (1 + std::exp(-z));
}

// Scores whose true probability is a logistic curve over their log-odds.
std::vector<SlicePayment> payments(size_t n, double a, double b, uint64_t seed) {
  Random random(seed);
  std::vector<SlicePayment> out;
  for (size_t i = 0; i < n; ++i) {
    double score = std::min(std::max(random.unit() * random.unit(), 1e-4), 1 - 1e-4);
    out.push_back({static_cast<float>(score), random.chance(true_share(score, a, b)),
                   static_cast<int32_t>(i / 1000), 10});
  }
  return out;
}

TEST(Calibrate, PlattFindsTheCurveThatIsThere) {
  auto fitted = fit_calibration(payments(200'000, 1.7, -0.9, 1), CalibrationKind::platt);
  EXPECT_EQ(fitted.kind, CalibrationKind::platt);
  for (double score : {0.05, 0.2, 0.5, 0.8, 0.95})
    EXPECT_NEAR(fitted.calibration.apply(static_cast<float>(score)), true_share(score, 1.7, -0.9),
                0.02)
        << score;
  EXPECT_LT(fitted.brier, fitted.brier_before);
  EXPECT_LT(fitted.log_loss, fitted.log_loss_before);
}

TEST(Calibrate, IsotonicFollowsAnyCurveThatAscends) {
  Random random(2);
  std::vector<SlicePayment> later;
  auto share = [](double score) { return score < 0.5 ? 0.02 : 0.6; };  // a step: no logistic curve
  for (int i = 0; i < 100'000; ++i) {
    double score = random.unit();
    later.push_back({static_cast<float>(score), random.chance(share(score)), i / 1000, 10});
  }
  auto fitted = fit_calibration(later, CalibrationKind::automatic);
  EXPECT_EQ(fitted.kind, CalibrationKind::isotonic);
  for (double score : {0.2, 0.4, 0.6, 0.9})
    EXPECT_NEAR(fitted.calibration.apply(static_cast<float>(score)), share(score), 0.05) << score;
}

TEST(Calibrate, ProbabilitiesStayAsTheyAre) {
  auto right = payments(20'000, 1, 0, 3);
  auto fitted = fit_calibration(right, CalibrationKind::automatic);
  // Whatever is chosen, it is next to nothing.
  for (float score : {0.05f, 0.3f, 0.7f})
    EXPECT_NEAR(fitted.calibration.apply(score), score, 0.03) << score;
  EXPECT_LE(fitted.log_loss, fitted.log_loss_before);
}

TEST(Calibrate, TheOrderOfPaymentsStays) {
  for (auto kind : {CalibrationKind::platt, CalibrationKind::isotonic})
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      auto fitted =
          fit_calibration(payments(3'000, 0.5 + 0.2 * static_cast<double>(seed), -2, seed), kind);
      const auto& points = fitted.calibration.points();
      ASSERT_GE(points.size(), 2u);
      EXPECT_EQ(points.front().calibrated, 0);
      EXPECT_EQ(points.back().calibrated, 1);
      for (size_t i = 1; i < points.size(); ++i) {
        EXPECT_LT(points[i - 1].raw, points[i].raw);
        EXPECT_LT(points[i - 1].calibrated, points[i].calibrated);
      }
    }
}

TEST(Calibrate, WithoutFraudsOrWithoutOthersNothingIsFitted) {
  for (bool fraud : {false, true})
    for (auto kind :
         {CalibrationKind::platt, CalibrationKind::isotonic, CalibrationKind::automatic}) {
      std::vector<SlicePayment> same(50, {0.3f, fraud, 0, 1});
      EXPECT_TRUE(fit_calibration(same, kind).calibration.points().empty());
    }
  EXPECT_TRUE(fit_calibration({}, CalibrationKind::automatic).calibration.points().empty());
}

// The frauds have the low scores: an ascending map has nothing to say.
TEST(Calibrate, ScoresThatRankNothingAreLeftAlone) {
  std::vector<SlicePayment> upside_down;
  for (int i = 0; i < 1000; ++i) {
    float score = static_cast<float>(i + 1) / 1002;
    upside_down.push_back({score, i < 300, 0, 1});
  }
  EXPECT_TRUE(fit_calibration(upside_down, CalibrationKind::platt).calibration.points().empty());
}

// Newton's whole steps overshoot, and leave a curve that calls all of them genuine, or all of them frauds.
TEST(Calibrate, PlattFindsTheCurveFromScoresThatAreFarOff) {
  Random random(4);
  std::vector<SlicePayment> sure, seldom;
  for (int i = 0; i < 20'000; ++i) {  // nearly all frauds, they say, where a hundredth is
    bool fraud = random.chance(0.01);
    double score = 1 - (fraud ? 0.001 : 0.002) * random.unit();
    sure.push_back({static_cast<float>(score), fraud, i / 1000, 10});
  }
  for (int i = 0; i < 60'000; ++i)  // a fifth of the few with a high score, and no other
    seldom.push_back({i % 1200 == 0 ? 0.95f : 0.02f, i % 6000 == 0, i / 1000, 10});
  for (const auto& payments : {sure, seldom}) {
    auto fitted = fit_calibration(payments, CalibrationKind::platt);
    double frauds = 0, sum = 0;
    for (const SlicePayment& p : payments) {
      frauds += p.is_fraud;
      sum += fitted.calibration.apply(p.score);
    }
    EXPECT_NEAR(sum / frauds, 1, 0.2);
    EXPECT_LT(fitted.log_loss, 0.06);
    EXPECT_LT(fitted.log_loss, fitted.log_loss_before);
  }
}

// Fewer payments than a block behind the last block of frauds belong to it, and to those before it as far as they are no better.
TEST(Calibrate, TheHighestScoresAreNotCalledSurerThanTheyWere) {
  std::vector<SlicePayment> payments;
  auto add = [&](int n, float score, int frauds) {
    for (int i = 0; i < n; ++i) payments.push_back({score, i < frauds, 0, 10});
  };
  add(1000, 0.1f, 1);
  add(20, 0.5f, 10);
  add(20, 0.6f, 12);
  add(500, 0.9f, 9);
  auto fitted = fit_calibration(payments, CalibrationKind::isotonic);
  EXPECT_NEAR(fitted.calibration.apply(0.874f), 31.0 / 540, 0.01);  // their mean score
}

}  // namespace
}  // namespace paywarden
