#include "training/trainer.h"

#include <gtest/gtest.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "forest/compiled_forest.h"
#include "forest/xgboost_json.h"

namespace paywarden {
namespace {

constexpr const char* kFeatures = R"(
[features]
label_delay = "1h"
[[feature]]
name = "amount_value"
operation = "value"
field = "amount"
[[feature]]
name = "count"
operation = "count"
by = "card"
over = "1d"
)";

// Frauds are large amounts in the middle of counts; some of them, so that no threshold is without its costs.
class Trainer : public ::testing::Test {
 protected:
  Trainer() {
    auto parsed = FeatureSet::parse(toml::parse(kFeatures), fields_, "t.toml");
    if (!parsed) throw std::runtime_error(parsed.error().line());
    features_ = std::move(*parsed);
    Random random(5);
    for (int i = 0; i < 6000; ++i) {
      double amount = 1000 * random.unit() * random.unit(), count = random.unit() * 20;
      bool bad = amount > 300 && count > 5 && count < 12 && random.chance(0.5);
      float* row = data_.add(EventTime(1'700'000'000'000 + int64_t{600'000} * i), amount, bad);
      row[0] = static_cast<float>(amount);
      row[1] = static_cast<float>(count);
    }
    options_.booster.trees = 40;
    options_.booster.depth = 4;
    options_.booster.threads = 1;
    options_.booster.early_stopping_rounds = 10;
  }
  Bundle trained() {
    auto bundle = train_bundle(data_, features_, options_);
    EXPECT_TRUE(bundle) << (bundle ? "" : bundle.error().line());
    return bundle ? std::move(*bundle) : Bundle();
  }
  static double metric(const Bundle& bundle, const std::string& name) {
    for (const auto& [its, value] : bundle.metrics)
      if (its == name) return value;
    ADD_FAILURE() << "no " << name;
    return std::nan("");
  }
  static std::string parameter(const Bundle& bundle, const std::string& name) {
    for (const auto& [its, value] : bundle.training.parameters)
      if (its == name) return value;
    ADD_FAILURE() << "no " << name;
    return {};
  }

  FieldTable fields_;
  FeatureSet features_;
  Dataset data_{2};
  TrainingOptions options_;
};

TEST_F(Trainer, TheSameSeedAndDataGiveTheSameBundle) {
  options_.search_trials = 3;
  Bundle one = trained(), two = trained();
  EXPECT_EQ(one.model_json, two.model_json);
  EXPECT_EQ(one.thresholds.review, two.thresholds.review);
  EXPECT_EQ(one.thresholds.decline, two.thresholds.decline);
  EXPECT_EQ(one.metrics, two.metrics);
  EXPECT_EQ(one.training.parameters, two.training.parameters);
}

TEST_F(Trainer, ASearchFindsNothingWorseThanWhatIsConfigured) {
  options_.booster.trees = 3;  // too few and too slow: nearly anything is better
  options_.booster.learning_rate = 0.01;
  double configured = metric(trained(), "slice_average_precision");
  options_.search_trials = 6;
  uint32_t trials = 0, best = 0;
  auto bundle = train_bundle(data_, features_, options_, {nullptr, [&](const SearchTrial& trial) {
                                                            ++trials;
                                                            EXPECT_EQ(trial.number, trials);
                                                            if (trial.best) best = trial.number;
                                                          }});
  ASSERT_TRUE(bundle) << bundle.error().line();
  EXPECT_EQ(trials, 6u);
  EXPECT_GT(best, 1u);
  EXPECT_GT(metric(*bundle, "slice_average_precision"), configured);
  EXPECT_NE(parameter(*bundle, "learning_rate"), "0.01");
}

TEST_F(Trainer, ThresholdsOfLeastCost) {
  options_.thresholds = ThresholdGoal::cost;
  options_.cost = {.fraud_share = 1, .review_cost = 5, .review_misses = 0.1, .decline_cost = 200};
  Bundle bundle = trained();
  double cost = metric(bundle, "slice_cost");
  EXPECT_LT(cost, metric(bundle, "slice_cost_without_alerts") / 2);
  options_.cost.review_cost = 1e6;  // nobody is to look at anything
  options_.cost.decline_cost = 1e6;
  Bundle dear = trained();
  EXPECT_GT(dear.thresholds.review, 1);
}

TEST_F(Trainer, TheCalibrationIsInTheBundleAndIsSaid) {
  options_.thresholds = ThresholdGoal::cost;
  options_.cost = {.fraud_share = 1, .review_cost = 5, .review_misses = 0.1, .decline_cost = 200};
  options_.calibration = CalibrationKind::platt;
  Bundle bundle = trained();
  EXPECT_EQ(parameter(bundle, "calibration"), "platt");
  EXPECT_GT(bundle.calibration.points().size(), 2u);
  options_.calibration = CalibrationKind::none;
  Bundle raw = trained();
  EXPECT_TRUE(raw.calibration.points().empty());
  EXPECT_EQ(raw.model_json, bundle.model_json);  // the forest is the same
  EXPECT_EQ(metric(raw, "slice_average_precision"), metric(bundle, "slice_average_precision"));
  EXPECT_LT(raw.thresholds.review, 1);
  EXPECT_NE(raw.thresholds.review, bundle.thresholds.review);  // which is one of calibrated scores
  EXPECT_EQ(bundle.calibration.apply(raw.thresholds.review), bundle.thresholds.review);
  EXPECT_DOUBLE_EQ(metric(raw, "slice_cost"), metric(bundle, "slice_cost"));
}

}  // namespace
}  // namespace paywarden
