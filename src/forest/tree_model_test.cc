#include "forest/tree_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "forest/forest_testing.h"
#include "forest/xgboost_json.h"

namespace paywarden {
namespace {

using testing::HasSubstr;

TreeModel stump() {
  TreeModel model;
  model.feature_count = 2;
  model.trees.push_back(
      {{{1, 2, 1, 0.5f, 0, 10, true}, {-1, -1, 0, 0, -1, 4, false}, {-1, -1, 0, 0, 1, 6, false}}});
  return model;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(XgboostJson, ReadsWhatStandsThere) {
  auto model = read_xgboost_json(write_xgboost_json(stump()), "model.json");
  ASSERT_TRUE(model) << model.error().line();
  EXPECT_EQ(model->feature_count, 2u);
  EXPECT_EQ(model->base_margin, 0.0f);
  ASSERT_EQ(model->trees.size(), 1u);
  const TreeNode& root = model->trees[0].nodes[0];
  EXPECT_EQ(root.feature, 1u);
  EXPECT_EQ(root.threshold, 0.5f);
  EXPECT_TRUE(root.default_left);
  EXPECT_EQ(root.cover, 10.0f);
  EXPECT_EQ(model->trees[0].nodes[1].value, -1.0f);
}

TEST(XgboostJson, BaseScoreBecomesAMargin) {
  auto model = read_xgboost_json(
      replaced(write_xgboost_json(stump()), "5E-1\",\"num_class", "1E-2\",\"num_class"), "m");
  ASSERT_TRUE(model) << model.error().line();
  EXPECT_FLOAT_EQ(model->base_margin, static_cast<float>(std::log(0.01 / 0.99)));
}

TEST(XgboostJson, ThresholdsKeepEveryBit) {
  for (float threshold :
       {0.1f, 1e-45f, 3.4028235e38f, -0.0f, 16777217.0f, 1.17549421e-38f, 0.333333343f}) {
    TreeModel model = stump();
    model.trees[0].nodes[0].threshold = threshold;
    auto read = read_xgboost_json(write_xgboost_json(model), "m");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->trees[0].nodes[0].threshold, threshold);
  }
}

// What is changed in a good file, and what the complaint must say.
TEST(XgboostJson, RefusesWithWords) {
  struct Row {
    const char *from, *to, *complaint;
  };
  std::string good = write_xgboost_json(stump());
  for (Row row : {
           Row{"binary:logistic", "reg:squarederror", "objective is 'reg:squarederror'"},
           Row{"\"gbtree\"}", "\"dart\"}", "booster is 'dart'"},
           Row{"\"num_class\":\"0\"", "\"num_class\":\"3\"", "3 classes"},
           Row{"\"split_type\":[0,", "\"split_type\":[1,", "categorical splits"},
           Row{"\"categories_nodes\":[]", "\"categories_nodes\":[0]", "categorical splits"},
           Row{"\"base_score\":\"5E-1\"", "\"base_score\":\"x\"", "base_score' is no number: 'x'"},
           Row{"\"base_score\":\"5E-1\"", "\"base_score\":\"1\"", "base_score is 1, not between"},
           Row{"\"num_feature\":\"2\",\"num_target", "\"num_feature\":\"99999999\",\"num_target",
               "num_feature is 99999999"},
           Row{"\"num_feature\":\"2\",\"num_target", "\"num_feature\":\"1\",\"num_target",
               "tree 0 node 0 splits on feature 1 of 1"},
           Row{"\"left_children\":[1,", "\"left_children\":[0,",
               "node 0 has a child outside the tree or reached twice"},
           Row{"\"left_children\":[1,", "\"left_children\":[7,", "node 0 has a child outside"},
           Row{"\"right_children\":[2,", "\"right_children\":[1,", "node 0 has a child outside"},
           Row{"\"right_children\":[2,", "\"right_children\":[-1,", "node 0 has a child outside"},
           Row{"\"left_children\":[1,", "\"left_children\":[1.5,", "which is no index"},
           Row{"\"left_children\":[1,", "\"left_children\":[1e300,", "which is no index"},
           Row{"\"left_children\":[1,", "\"left_children\":[\"1\",", "something else than numbers"},
           Row{"\"sum_hessian\":[1.00000000E+01,", "\"sum_hessian\":[",
               "'sum_hessian' has 2 entries for 3 nodes"},
           Row{"\"sum_hessian\":[1.00000000E+01,", "\"sum_hessian\":[-1,",
               "node 0 has no finite cover"},
           Row{"\"sum_hessian\"", "\"sum\"", "'sum_hessian' is missing"},
           Row{"-1.00000000E+00,1.00000000E+00],\"split_ind", "1e39,1.00000000E+00],\"split_ind",
               "node 1 has no finite leaf value"},
           Row{"\"trees\":[", "\"trees\":[5,", "a tree is no object"},
           Row{"\"trees\":[", "\"woods\":[", "trees' is missing"},
           Row{"{\"learner\"", "{{\"learner\"", "no XGBoost JSON model"},
           Row{"{\"learner\"",
               "{\"l\":[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]],\"learner\"",
               "no XGBoost JSON model"},
       }) {
    auto model = read_xgboost_json(replaced(good, row.from, row.to), "some/model.json");
    ASSERT_FALSE(model) << row.to;
    EXPECT_THAT(model.error().what, HasSubstr(row.complaint));
    EXPECT_EQ(model.error().where, "some/model.json");
    EXPECT_FALSE(model.error().remedy.empty());
  }
  EXPECT_FALSE(read_xgboost_json("", "m"));
  EXPECT_FALSE(read_xgboost_json("[]", "m"));
}

TEST(XgboostJson, KeepsItsLimits) {
  std::string good = write_xgboost_json(stump());
  EXPECT_FALSE(read_xgboost_json(good, "m", {.bytes_max = 100}));
  EXPECT_FALSE(read_xgboost_json(good, "m", {.trees_max = 0}));
  EXPECT_FALSE(read_xgboost_json(good, "m", {.nodes_max = 2}));
  EXPECT_FALSE(read_xgboost_json(good, "m", {.nodes_total_max = 2}));
  EXPECT_FALSE(read_xgboost_json(good, "m", {.depth_max = 0}));
  EXPECT_FALSE(read_xgboost_json(good, "m", {.features_max = 1}));
  EXPECT_TRUE(read_xgboost_json(
      good, "m",
      {.trees_max = 1, .nodes_max = 3, .nodes_total_max = 3, .depth_max = 1, .features_max = 2}));
}

TEST(TreeModel, DropsWhatNoWayLeadsTo) {
  TreeModel model = stump();
  TreeNode orphan;
  orphan.left = 77;  // pruned nodes hold anything
  model.trees[0].nodes.insert(model.trees[0].nodes.begin() + 1, orphan);
  model.trees[0].nodes[0].left = 2;
  model.trees[0].nodes[0].right = 3;
  ASSERT_TRUE(check_model(model, {}, "m"));
  EXPECT_EQ(model.trees[0].nodes.size(), 3u);
  float row[] = {0, 0.4f};
  EXPECT_EQ(naive_margin(model, row), -1);
}

TEST(TreeModel, WalkGoesByTheRule) {
  TreeModel model = stump();
  auto margin = [&](float x) {
    float row[] = {9, x};
    return naive_margin(model, row);
  };
  EXPECT_EQ(margin(0.49f), -1);
  EXPECT_EQ(margin(0.5f), 1);
  EXPECT_EQ(margin(std::nanf("")), -1);
  model.trees[0].nodes[0].default_left = false;
  EXPECT_EQ(margin(std::nanf("")), 1);
}

}  // namespace
}  // namespace paywarden
