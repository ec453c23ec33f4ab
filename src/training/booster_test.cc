#include "training/booster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/check.h"
#include "base/random.h"
#include "forest/compiled_forest.h"
#include "forest/xgboost_json.h"

namespace paywarden {
namespace {

using testing::HasSubstr;

constexpr uint32_t columns = 6;

// Fraud: often where features 0 and 1 are large; feature 2 is missing at times; the rest is noise.
DenseMatrix payments(uint64_t seed, size_t rows) {
  Random random(seed);
  DenseMatrix matrix(columns);
  for (size_t i = 0; i < rows; ++i) {
    float row[columns];
    for (float& x : row) x = static_cast<float>(random.unit());
    if (random.chance(0.2)) row[2] = std::nanf("");
    bool likely = row[0] > 0.8f && row[1] > 0.6f;
    matrix.add(row, random.chance(likely ? 0.7 : 0.01));
  }
  return matrix;
}

BoosterOptions small() {
  return {.trees = 15, .depth = 4, .threads = 1};
}

TEST(Booster, LearnsWhatIsThere) {
  DenseMatrix training = payments(1, 4000), later = payments(2, 2000);
  std::vector<BoosterProgress> seen;
  auto trained = train_booster(training, &later, small(),
                               [&](const BoosterProgress& p) { seen.push_back(p); });
  ASSERT_TRUE(trained) << trained.error().line();
  EXPECT_GT(trained->validation_aucpr, 0.5);
  ASSERT_EQ(seen.size(), trained->rounds);
  EXPECT_EQ(seen[0].round, 1u);
  EXPECT_EQ(seen[0].trees, 15u);
  EXPECT_TRUE(std::isnan(seen[0].train_aucpr));
  EXPECT_GT(seen[9].train_aucpr, 0.5);
  EXPECT_GT(seen[9].validation_aucpr, 0.5);
}

TEST(Booster, CompiledForestEqualsItsPredictions) {
  DenseMatrix training = payments(3, 3000), rows = payments(4, 500);
  for (TreeMethod method : {TreeMethod::hist, TreeMethod::exact}) {
    BoosterOptions options = small();
    options.tree_method = method;
    options.base_score = 0.05;
    auto trained = train_booster(training, nullptr, options);
    ASSERT_TRUE(trained) << trained.error().line();
    EXPECT_EQ(trained->trees, 15u);
    auto model = read_xgboost_json(trained->model_json, "model.json");
    ASSERT_TRUE(model) << model.error().line();
    EXPECT_EQ(model->trees.size(), 15u);
    auto forest = CompiledForest::compile(*model);
    auto want = booster_predict(trained->model_json, rows.values(), columns);
    ASSERT_TRUE(forest && want);
    for (size_t i = 0; i < rows.rows(); ++i)
      ASSERT_NEAR(forest->score(&rows.values()[i * columns]), (*want)[i], 1e-6) << i;
  }
}

TEST(Booster, SameBytesForSameSeedDataAndThreads) {
  DenseMatrix training = payments(5, 3000), later = payments(6, 1000);
  for (uint32_t threads : {1u, 2u}) {
    BoosterOptions options = small();
    options.threads = threads;
    options.trees =
        15 / (threads * threads);  // threads that wait for each other are slow on a busy machine
    options.subsample = 0.7;
    options.colsample = 0.5;
    auto first = train_booster(training, &later, options),
         second = train_booster(training, &later, options);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->model_json, second->model_json);
    options.seed = 2;
    EXPECT_NE(train_booster(training, &later, options)->model_json, first->model_json);
  }
}

TEST(Booster, StopsEarlyAndKeepsTheBestRound) {
  DenseMatrix training = payments(7, 400), later = payments(8, 400);
  BoosterOptions options{
      .trees = 200, .depth = 6, .learning_rate = 1.0, .threads = 1, .early_stopping_rounds = 5};
  double best = 0;
  uint32_t best_round = 0;
  auto trained = train_booster(training, &later, options, [&](const BoosterProgress& p) {
    if (p.validation_aucpr > best) best = p.validation_aucpr, best_round = p.round;
  });
  ASSERT_TRUE(trained) << trained.error().line();
  EXPECT_LT(trained->rounds, 200u);
  EXPECT_EQ(trained->trees, best_round);
  EXPECT_EQ(trained->rounds, best_round + 5);
  EXPECT_EQ(trained->validation_aucpr, best);
  EXPECT_EQ(read_xgboost_json(trained->model_json, "m")->trees.size(), best_round);
}

TEST(Booster, WeightsCount) {
  // Two rows of the same features and opposite labels: the heavier one wins.
  for (float weight : {0.01f, 100.0f}) {
    DenseMatrix matrix(1);
    for (int i = 0; i < 200; ++i) {
      float x = static_cast<float>(i % 2);
      matrix.add(&x, true, weight);
      matrix.add(&x, false, 1.0f);
    }
    auto trained = train_booster(matrix, nullptr, small());
    ASSERT_TRUE(trained);
    float score = (*booster_predict(trained->model_json, {1.0f}, 1))[0];
    EXPECT_EQ(score > 0.5f, weight > 1) << score;
  }
}

// In several chunks of odd sizes, one of them empty; breaks at will.
class ChunkedSource : public MatrixSource {
 public:
  ChunkedSource(const DenseMatrix& all, size_t fails_at) : all_(all), fails_at_(fails_at) {
    MatrixChunk chunk;
    all_.rewind();
    CHECK(*all_.next(chunk) && chunk.rows == all_.rows(), "one chunk holds all");
    whole_ = chunk;
  }
  uint32_t columns() const override { return all_.columns(); }
  void rewind() override { at_ = step_ = 0; }
  Result<bool> next(MatrixChunk& chunk) override {
    if (step_++ == fails_at_) return fail("the disk is gone");
    if (at_ == whole_.rows) return false;
    size_t rows = step_ == 2 ? 0 : std::min<size_t>(701, whole_.rows - at_);
    chunk = {whole_.values + at_ * columns(), whole_.labels + at_, whole_.weights + at_, rows};
    at_ += rows;
    return true;
  }

 private:
  DenseMatrix all_;
  MatrixChunk whole_;
  size_t fails_at_, at_ = 0, step_ = 0;
};

TEST(Booster, TakesRowsInChunks) {
  DenseMatrix training = payments(9, 3000);
  for (TreeMethod method : {TreeMethod::hist, TreeMethod::exact}) {
    BoosterOptions options = small();
    options.tree_method = method;
    ChunkedSource chunked(training, 1000);
    auto trained = train_booster(chunked, nullptr, options);
    ASSERT_TRUE(trained) << trained.error().line();
    auto whole = train_booster(training, nullptr, options);
    ASSERT_TRUE(whole);
    // Quantiles of chunks differ a little; every value is a candidate for the exact method.
    if (method == TreeMethod::exact) {
      EXPECT_EQ(trained->model_json, whole->model_json);
    }
  }
  ChunkedSource breaking(training, 3);
  auto broken = train_booster(breaking, nullptr, small());
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().what, "the disk is gone");
}

TEST(Booster, SaysWhatIsWrong) {
  DenseMatrix good = payments(10, 300);
  DenseMatrix no_fraud(1), infinite(2);
  float x[] = {1.0f, std::numeric_limits<float>::infinity()};
  no_fraud.add(x, false);
  infinite.add(x, false);
  infinite.add(x, true);
  EXPECT_THAT(train_booster(no_fraud, nullptr, small()).error().what,
              HasSubstr("1 rows, 0 of them frauds"));
  EXPECT_THAT(train_booster(infinite, nullptr, small()).error().what,
              HasSubstr("feature 1 of training row 0 is infinite"));
  EXPECT_THAT(train_booster(good, &no_fraud, small()).error().what,
              HasSubstr("the validation data"));
  struct Row {
    BoosterOptions options;
    const char* complaint;
  };
  for (const Row& row :
       {Row{{.trees = 0}, "trees is 0"}, Row{{.depth = 17}, "depth is 17"},
        Row{{.learning_rate = 0}, "learning_rate is 0"}, Row{{.max_bin = 1}, "max_bin is 1"},
        Row{{.subsample = 1.5}, "subsample is 1.5"}, Row{{.colsample = 0}, "colsample is 0"},
        Row{{.scale_pos_weight = 0}, "scale_pos_weight is 0"},
        Row{{.base_score = 1}, "base_score is 1"}})
    EXPECT_THAT(train_booster(good, nullptr, row.options).error().what, HasSubstr(row.complaint));
  auto unreadable = booster_predict("no model", {1.0f}, 1);
  ASSERT_FALSE(unreadable);
  EXPECT_THAT(unreadable.error().what, HasSubstr("XGBoost could not load the model: "));
}

}  // namespace
}  // namespace paywarden
