#include "forest/reasons.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <thread>

#include "forest/compiled_forest.h"
#include "forest/forest_testing.h"

namespace paywarden {
namespace {

std::vector<float> contributions_of(const Reasons& reasons, const float* row) {
  std::vector<float> out(reasons.feature_count() + 1);
  Reasons::Scratch scratch = reasons.make_scratch();
  reasons.contributions(row, out.data(), scratch);
  return out;
}

void expect_equal_to_xgboost(const TreeModel& model, const std::vector<float>& rows,
                             double tolerance) {
  auto reasons = Reasons::build(model);
  ASSERT_TRUE(reasons) << reasons.error().line();
  size_t columns = model.feature_count, n = rows.size() / columns;
  std::vector<float> want = XgboostReferee(write_xgboost_json(model))
                                .predict(rows, columns, XgboostReferee::Output::contributions);
  for (size_t i = 0; i < n; ++i) {
    std::vector<float> got = contributions_of(*reasons, &rows[i * columns]);
    double sum = 0;
    for (size_t f = 0; f <= columns; ++f) {
      sum += got[f];
      ASSERT_NEAR(got[f], want[i * (columns + 1) + f], tolerance)
          << "row " << i << " feature " << f;
    }
    ASSERT_NEAR(sum, naive_margin(model, &rows[i * columns]), 1e-4) << "row " << i;
  }
}

TEST(Reasons, EqualXgboostsContributions) {
  for (uint64_t seed = 300; seed < 330; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    TreeModel model = random_model(random, {.trees = 1 + static_cast<uint32_t>(random.below(60)),
                                            .depth = static_cast<uint32_t>(random.below(9)),
                                            .features = 1 + static_cast<uint32_t>(random.below(40)),
                                            .odd_thresholds = random.chance(0.3)});
    std::vector<float> rows;
    for (int i = 0; i < 12; ++i) {
      std::vector<float> row = random_row(random, model, false);
      rows.insert(rows.end(), row.begin(), row.end());
    }
    expect_equal_to_xgboost(model, rows, 1e-4);
  }
}

// The definition itself: phi_i is the mean over all orders in which features become known.
double shapley_by_definition(const Tree& tree, const float* row, uint32_t feature,
                             uint32_t features) {
  auto value_of = [&](uint32_t known) {
    auto walk = [&](auto& self, int32_t index) -> double {
      const TreeNode& node = tree.nodes[index];
      if (node.is_leaf()) return node.value;
      float x = row[node.feature];
      bool left = std::isnan(x) ? node.default_left : x < node.threshold;
      if (known >> node.feature & 1) return self(self, left ? node.left : node.right);
      double share = double{tree.nodes[node.left].cover} / node.cover;
      return share * self(self, node.left) + (1 - share) * self(self, node.right);
    };
    return walk(walk, 0);
  };
  double sum = 0;
  for (uint32_t known = 0; known < 1u << features; ++known) {
    if (known >> feature & 1) continue;
    int k = std::popcount(known);
    double orders = std::tgamma(k + 1) * std::tgamma(features - k) / std::tgamma(features + 1);
    sum += orders * (value_of(known | 1u << feature) - value_of(known));
  }
  return sum;
}

TEST(Reasons, AreShapleyValues) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    TreeModel model = random_model(random, {.trees = 1, .depth = 7, .features = 7});
    std::vector<float> row = random_row(random, model);
    auto reasons = Reasons::build(model);
    ASSERT_TRUE(reasons);
    std::vector<float> got = contributions_of(*reasons, row.data());
    for (uint32_t f = 0; f < 7; ++f)
      EXPECT_NEAR(got[f], shapley_by_definition(model.trees[0], row.data(), f, 7), 1e-6) << f;
  }
}

TEST(Reasons, SameBitsOnEveryPath) {
  for (uint32_t features : {3u, 32u, 33u, 90u}) {
    Random random(features);
    TreeModel model = random_model(
        random, {.trees = 50, .depth = 8, .features = features, .distinct_thresholds = 300});
    std::vector<float> row = random_row(random, model);
    auto first = Reasons::build(model, Isa::scalar);
    ASSERT_TRUE(first);
    std::vector<float> want = contributions_of(*first, row.data());
    for (Isa isa : {Isa::avx2, Isa::avx512}) {
      if (!is_supported(isa)) continue;
      auto reasons = Reasons::build(model, isa);
      ASSERT_TRUE(reasons);
      std::vector<float> got = contributions_of(*reasons, row.data());
      for (uint32_t f = 0; f <= features; ++f)
        ASSERT_EQ(std::bit_cast<uint32_t>(got[f]), std::bit_cast<uint32_t>(want[f]))
            << name_of(isa) << " " << f;
    }
  }
}

TEST(Reasons, PathsOfManyFeatures) {
  // One long chain: node i splits feature i, and everybody goes right.
  auto chain = [](uint32_t length) {
    TreeModel model;
    model.feature_count = length;
    Tree tree;
    for (uint32_t i = 0; i < length; ++i) {
      int32_t next = static_cast<int32_t>(2 * i + 1);
      tree.nodes.push_back({next, next + 1, i, 0.5f, 0, static_cast<float>(length + 1 - i), false});
      tree.nodes.push_back({-1, -1, 0, 0, 0.01f * static_cast<float>(i), 1, false});
    }
    tree.nodes.push_back({-1, -1, 0, 0, 1.0f, 1, false});
    // Leaves stand at odd places; the next node of the chain follows its leaf.
    model.trees.push_back(tree);
    return model;
  };
  TreeModel longest = chain(path_features_max);
  ASSERT_TRUE(check_model(longest, {}, "chain"));
  std::vector<float> row(path_features_max, 1.0f);
  auto reasons = Reasons::build(longest);
  ASSERT_TRUE(reasons) << reasons.error().line();
  double sum = 0;
  for (float x : contributions_of(*reasons, row.data())) sum += x;
  EXPECT_NEAR(sum, 1.0, 1e-5);

  auto too_long = Reasons::build(chain(path_features_max + 1));
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().what, "a path of the model uses 65 features, more than 64");
}

TEST(Reasons, NothingToExplain) {
  TreeModel model;
  model.feature_count = 2;
  model.base_margin = -3;
  model.trees.push_back({{{-1, -1, 0, 0, 0.25f, 10, false}}});
  auto reasons = Reasons::build(model);
  ASSERT_TRUE(reasons);
  float row[] = {1, 2};
  EXPECT_EQ(contributions_of(*reasons, row), (std::vector<float>{0, 0, -2.75f}));
}

TEST(Reasons, TrainingRowsThatNeverCame) {
  // Covers of 0 divide by nothing; both ways count half.
  TreeModel model;
  model.feature_count = 1;
  model.trees.push_back(
      {{{1, 2, 0, 0.5f, 0, 0, true}, {-1, -1, 0, 0, 1, 0, false}, {-1, -1, 0, 0, 3, 0, false}}});
  auto reasons = Reasons::build(model);
  ASSERT_TRUE(reasons);
  float row = 1;
  EXPECT_EQ(contributions_of(*reasons, &row), (std::vector<float>{1, 2}));
}

TEST(Reasons, ManyThreadsOneObject) {
  Random random(9);
  TreeModel model = random_model(random, {.trees = 30, .depth = 6, .features = 10});
  auto reasons = Reasons::build(model);
  auto forest = CompiledForest::compile(model);
  ASSERT_TRUE(reasons && forest);
  std::vector<float> row = random_row(random, model);
  std::vector<float> want = contributions_of(*reasons, row.data());
  float score = forest->score(row.data());
  std::vector<std::thread> threads;
  std::vector<int> equal(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i)
        equal[t] +=
            contributions_of(*reasons, row.data()) == want && forest->score(row.data()) == score;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, std::vector<int>(4, 50));
}

}  // namespace
}  // namespace paywarden
