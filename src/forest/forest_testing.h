// For this folder's tests, fuzzer and benchmark only: random models, and XGBoost's own C API as the
// referee.
//
//   TreeModel model = random_model(random, {.trees = 20, .depth = 6, .features = 8});
//   XgboostReferee referee(write_xgboost_json(model));
//   std::vector<float> scores = referee.predict(rows, n, XgboostReferee::Output::probability);
//   // near the thresholds, with NaN, infinities, -0 and subnormals:
//   std::vector<float> row = random_row(random, model);
#pragma once

#include <fmt/format.h>
#include <xgboost/c_api.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "forest/tree_model.h"
#include "forest/xgboost_json_writer.h"

namespace paywarden {

struct ForestShape {
  uint32_t trees = 10;
  uint32_t depth = 6;
  uint32_t features = 8;
  double leaf_chance = 0.1;           // that a node above the depth is a leaf already
  uint32_t distinct_thresholds = 20;  // per feature; few of them make equal ones
  bool odd_thresholds = false;        // zeros of both signs, subnormals, the largest floats
  uint32_t one_sided =
      0;  // so many features, the first ones, miss to one side in every node: by turns left and right
};

inline float odd_value(Random& random) {
  constexpr float values[] = {0.0f,          -0.0f,          1e-45f, -1e-45f,    1e-38f,
                              3.4028235e38f, -3.4028235e38f, 1.0f,   16777216.0f};
  return values[random.below(std::size(values))];
}

inline float random_threshold(Random& random, const ForestShape& shape) {
  if (shape.odd_thresholds && random.chance(0.5)) return odd_value(random);
  return static_cast<float>(random.below(shape.distinct_thresholds)) /
             static_cast<float>(shape.distinct_thresholds) -
         0.5f;
}

inline int32_t add_random_node(Random& random, const ForestShape& shape, uint32_t level,
                               float cover, Tree& tree) {
  int32_t index = static_cast<int32_t>(tree.nodes.size());
  TreeNode node;
  node.cover = cover;
  if (level == shape.depth || (level > 0 && random.chance(shape.leaf_chance))) {
    node.value = static_cast<float>(random.unit() - 0.5) * 0.4f;
    tree.nodes.push_back(node);
    return index;
  }
  node.feature = static_cast<uint32_t>(random.below(shape.features));
  node.threshold = random_threshold(random, shape);
  node.default_left = random.chance(0.5);
  if (node.feature < shape.one_sided) node.default_left = node.feature % 2 == 0;
  tree.nodes.push_back(node);
  float left_cover = cover * static_cast<float>(0.05 + 0.9 * random.unit());
  int32_t left = add_random_node(random, shape, level + 1, left_cover, tree);
  int32_t right = add_random_node(random, shape, level + 1, cover - left_cover, tree);
  tree.nodes[index].left = left;
  tree.nodes[index].right = right;
  return index;
}

inline TreeModel random_model(Random& random, const ForestShape& shape) {
  TreeModel model;
  model.feature_count = shape.features;
  for (uint32_t i = 0; i < shape.trees; ++i) {
    Tree tree;
    add_random_node(random, shape, 0, 1000.0f, tree);
    model.trees.push_back(std::move(tree));
  }
  // Also numbers the nodes breadth first: XGBoost takes a right child to stand behind its left one.
  CHECK(check_model(model, {}, "random model"), "a random model is a valid one");
  return model;
}

// Half of the values are thresholds or next to one.
inline std::vector<float> random_row(Random& random, const TreeModel& model,
                                     bool infinities = true) {
  std::vector<float> row(model.feature_count);
  for (float& x : row) {
    uint64_t kind = random.below(10);
    const Tree& tree = model.trees[random.below(model.trees.size())];
    float threshold = tree.nodes[random.below(tree.nodes.size())].threshold;
    x = static_cast<float>(random.unit() * 1.2 - 0.6);
    if (kind == 0) x = std::nanf("");
    if (kind == 1) x = odd_value(random);
    if (kind == 2 && infinities) x = std::copysign(std::numeric_limits<float>::infinity(), x);
    if (kind == 3) x = std::nextafter(threshold, x);
    if (kind == 4 || kind == 5) x = threshold;
  }
  return row;
}

class XgboostReferee {
 public:
  enum class Output { probability = 0, margin = 1, contributions = 2 };

  explicit XgboostReferee(const std::string& model_json) {
    require(XGBoosterCreate(nullptr, 0, &booster_));
    require(XGBoosterSetParam(booster_, "nthread", "1"));
    require(XGBoosterLoadModelFromBuffer(booster_, model_json.data(), model_json.size()));
  }
  XgboostReferee(const XgboostReferee&) = delete;
  XgboostReferee& operator=(const XgboostReferee&) = delete;
  ~XgboostReferee() { XGBoosterFree(booster_); }

  // `columns` floats a row; no infinities (XGBoost refuses them).
  std::vector<float> predict(const std::vector<float>& rows, size_t columns, Output output) const {
    DMatrixHandle matrix = nullptr;
    require(XGDMatrixCreateFromMat(rows.data(), rows.size() / columns, columns, std::nanf(""),
                                   &matrix));
    std::string config = fmt::format(
        R"({{"type":{},"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false}})",
        static_cast<int>(output));
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0, count = 1;
    const float* values = nullptr;
    require(XGBoosterPredictFromDMatrix(booster_, matrix, config.c_str(), &shape, &dimensions,
                                        &values));
    for (bst_ulong i = 0; i < dimensions; ++i) count *= shape[i];
    std::vector<float> result(values, values + count);
    XGDMatrixFree(matrix);
    return result;
  }
  BoosterHandle handle() const { return booster_; }
  static void require(int code) { CHECK(code == 0, XGBGetLastError()); }

 private:
  BoosterHandle booster_ = nullptr;
};

}  // namespace paywarden
