// A boosted ensemble of binary trees as its file says it, before it is compiled; what every reader
// (one per format: see xgboost_json.h) produces and what compiled_forest.h and reasons.h take.
//
//   Result<TreeModel> model = read_xgboost_json(text, "model.json");
//   TRY(check_model(*model, {}, "model.json"));     // a reader has done it already
//   double margin = naive_margin(*model, row);      // the referee: slow, and plainly right
//   double probability = 1 / (1 + std::exp(-margin));
//
// A row is `feature_count` floats, NaN = missing. At a node a row goes left when its value is <
// threshold, right when it is not, and where `default_left` says when it is missing.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paywarden {

struct TreeNode {
  int32_t left = -1;  // index into Tree::nodes; -1: this is a leaf
  int32_t right = -1;
  uint32_t feature = 0;
  float threshold = 0;  // not NaN
  float value = 0;      // of a leaf: added to the margin
  float cover = 0;      // sum of hessians of the training rows that came here
  bool default_left = false;

  bool is_leaf() const { return left < 0; }
};

struct Tree {
  std::vector<TreeNode> nodes;  // the root first
};

// Objective binary:logistic: probability = 1 / (1 + exp(-margin)).
struct TreeModel {
  uint32_t feature_count = 0;
  float base_margin = 0;
  std::vector<Tree> trees;
};

// What a model may be at most, so that a damaged or hostile file costs neither memory nor the
// stack.
struct ModelLimits {
  size_t bytes_max =
      size_t{512} << 20;        // of the file; 1,000 trees of depth 10 are about 150 MB of JSON
  uint32_t trees_max = 20'000;  // far beyond what a decision in microseconds allows
  uint32_t nodes_max = uint32_t{1} << 20;  // per tree
  uint32_t nodes_total_max = uint32_t{1}
                             << 26;  // of all trees: 1.5 GB here, and indices stay in 32 bits
  uint32_t depth_max = 64;           // edges from the root; XGBoost's default is 6
  uint32_t features_max = 32'768;    // columns of a row
};

// Every index inside, every node reached at most once from its root (so no cycle), thresholds not
// NaN, leaves and covers finite, limits kept. Removes nodes that no way leads to (pruning leaves
// such behind). `where` names the file in errors.
Status check_model(TreeModel& model, const ModelLimits& limits, std::string_view where);

// What a reader ends with: what it has read, checked, and its errors with the name of the file.
Result<TreeModel> checked_model(Result<TreeModel> read, const ModelLimits& limits,
                                std::string_view where);

// Edges on the longest way from the root to a leaf. The tree must have passed check_model.
uint32_t depth_of(const Tree& tree);

// Walks each tree, adds the leaves in double: the referee for everything faster.
double naive_margin(const TreeModel& model, const float* row);

}  // namespace paywarden
