#include "forest/tree_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace paywarden {
namespace {

// Checks one tree by walking it from the root; complains about the first thing that is wrong.
class TreeCheck {
 public:
  TreeCheck(const Tree& tree, uint32_t feature_count, const ModelLimits& limits)
      : tree_(tree), feature_count_(feature_count), limits_(limits), seen_(tree.nodes.size()) {}

  std::string problem() {
    if (tree_.nodes.empty()) return "has no nodes";
    if (tree_.nodes.size() > limits_.nodes_max)
      return fmt::format("has {} nodes, more than {}", tree_.nodes.size(), limits_.nodes_max);
    std::vector<std::pair<size_t, uint32_t>> open{{0, 0}};  // node, depth
    seen_[0] = true;
    while (!open.empty()) {
      auto [index, depth] = open.back();
      open.pop_back();
      if (std::string text = node_problem(index, depth); !text.empty()) return text;
      const TreeNode& node = tree_.nodes[index];
      if (node.is_leaf()) continue;
      open.push_back({static_cast<size_t>(node.left), depth + 1});
      open.push_back({static_cast<size_t>(node.right), depth + 1});
    }
    return {};
  }

 private:
  std::string node_problem(size_t index, uint32_t depth) {
    const TreeNode& node = tree_.nodes[index];
    if (!std::isfinite(node.cover) || node.cover < 0) return bad(index, "has no finite cover >= 0");
    if (node.is_leaf())
      return std::isfinite(node.value) ? "" : bad(index, "has no finite leaf value");
    if (depth >= limits_.depth_max) return fmt::format("is deeper than {}", limits_.depth_max);
    if (node.feature >= feature_count_)
      return bad(index, fmt::format("splits on feature {} of {}", node.feature, feature_count_));
    if (std::isnan(node.threshold)) return bad(index, "has a threshold that is no number");
    if (!enter(node.left) || !enter(node.right))
      return bad(index, "has a child outside the tree or reached twice");
    return {};
  }
  bool enter(int32_t child) {
    if (child < 0 || static_cast<size_t>(child) >= seen_.size() || seen_[child]) return false;
    return seen_[child] = true;
  }
  static std::string bad(size_t index, std::string_view text) {
    return fmt::format("node {} {}", index, text);
  }

  const Tree& tree_;
  uint32_t feature_count_;
  const ModelLimits& limits_;
  std::vector<bool> seen_;
};

// Renumbers breadth first; the tree has been checked.
void keep_reachable(Tree& tree) {
  std::vector<TreeNode> kept{tree.nodes[0]};
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i].is_leaf()) continue;
    int32_t left = static_cast<int32_t>(kept.size());
    TreeNode left_node = tree.nodes[kept[i].left], right_node = tree.nodes[kept[i].right];
    kept[i].left = left;
    kept[i].right = left + 1;
    kept.push_back(left_node);
    kept.push_back(right_node);
  }
  tree.nodes = std::move(kept);
}

float leaf_of(const Tree& tree, const float* row) {
  const TreeNode* node = tree.nodes.data();
  while (!node->is_leaf()) {
    float x = row[node->feature];
    bool left = std::isnan(x) ? node->default_left : x < node->threshold;
    node = &tree.nodes[left ? node->left : node->right];
  }
  return node->value;
}

}  // namespace

Status check_model(TreeModel& model, const ModelLimits& limits, std::string_view where) {
  auto wrong = [&](std::string what) {
    return fail("this is no usable tree model: " + what, std::string(where),
                "export or train it again");
  };
  if (model.feature_count == 0 || model.feature_count > limits.features_max)
    return wrong(fmt::format("{} features (1 to {} are possible)", model.feature_count,
                             limits.features_max));
  if (model.trees.size() > limits.trees_max)
    return wrong(fmt::format("{} trees, more than {}", model.trees.size(), limits.trees_max));
  if (!std::isfinite(model.base_margin)) return wrong("its base score is not between 0 and 1");
  size_t nodes = 0;
  for (size_t i = 0; i < model.trees.size(); ++i) {
    TreeCheck check(model.trees[i], model.feature_count, limits);
    if (std::string text = check.problem(); !text.empty())
      return wrong(fmt::format("tree {} {}", i, text));
    keep_reachable(model.trees[i]);
    nodes += model.trees[i].nodes.size();
  }
  if (nodes > limits.nodes_total_max)
    return wrong(fmt::format("{} nodes, more than {}", nodes, limits.nodes_total_max));
  return {};
}

Result<TreeModel> checked_model(Result<TreeModel> read, const ModelLimits& limits,
                                std::string_view where) {
  if (read)
    TRY(check_model(*read, limits, where));
  else
    read.error().where = where;
  return read;
}

uint32_t depth_of(const Tree& tree) {
  uint32_t deepest = 0;
  std::vector<std::pair<int32_t, uint32_t>> open{{0, 0}};
  while (!open.empty()) {
    auto [index, depth] = open.back();
    open.pop_back();
    deepest = std::max(deepest, depth);
    const TreeNode& node = tree.nodes[index];
    if (node.is_leaf()) continue;
    open.push_back({node.left, depth + 1});
    open.push_back({node.right, depth + 1});
  }
  return deepest;
}

double naive_margin(const TreeModel& model, const float* row) {
  double sum = model.base_margin;
  for (const Tree& tree : model.trees) sum += leaf_of(tree, row);
  return sum;
}

}  // namespace paywarden
