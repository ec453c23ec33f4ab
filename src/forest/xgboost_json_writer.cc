#include "forest/xgboost_json_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <vector>

namespace paywarden {
namespace {

// XGBoost's reader wants a decimal point or an exponent in what is no whole number.
std::string json_number(float value) {
  return fmt::format("{:.8E}", value);
}
std::string json_number(int64_t value) {
  return fmt::format("{}", value);
}

template <typename Get>
void add_column(std::string& text, const char* name, const Tree& tree, Get get) {
  text += fmt::format(R"(,"{}":[)", name);
  for (const TreeNode& node : tree.nodes) {
    if (&node != tree.nodes.data()) text += ',';
    text += json_number(get(node));
  }
  text += ']';
}

std::string tree_json(const Tree& tree, size_t id, uint32_t features) {
  std::string text = fmt::format(
      R"({{"categories":[],"categories_nodes":[],"categories_segments":[],"categories_sizes":[],"id":{})",
      id);
  std::vector<int32_t> parents(tree.nodes.size(), std::numeric_limits<int32_t>::max());
  for (size_t i = 0; i < tree.nodes.size(); ++i)
    if (!tree.nodes[i].is_leaf())
      parents[static_cast<size_t>(tree.nodes[i].left)] =
          parents[static_cast<size_t>(tree.nodes[i].right)] = static_cast<int32_t>(i);
  using Node = const TreeNode&;
  add_column(text, "base_weights", tree, [](Node n) { return n.value; });
  add_column(text, "default_left", tree, [](Node n) { return int64_t{n.default_left}; });
  add_column(text, "left_children", tree, [](Node n) { return int64_t{n.left}; });
  add_column(text, "right_children", tree, [](Node n) { return int64_t{n.right}; });
  add_column(text, "loss_changes", tree, [](Node) { return 0.0f; });
  add_column(text, "parents", tree,
             [&](Node n) { return int64_t{parents[static_cast<size_t>(&n - tree.nodes.data())]}; });
  add_column(text, "split_conditions", tree,
             [](Node n) { return n.is_leaf() ? n.value : n.threshold; });
  add_column(text, "split_indices", tree, [](Node n) { return int64_t{n.feature}; });
  add_column(text, "split_type", tree, [](Node) { return int64_t{0}; });
  add_column(text, "sum_hessian", tree, [](Node n) { return n.cover; });
  return text +
         fmt::format(
             R"(,"tree_param":{{"num_deleted":"0","num_feature":"{}","num_nodes":"{}","size_leaf_vector":"0"}}}})",
             features, tree.nodes.size());
}

}  // namespace

std::string write_xgboost_json(const TreeModel& model) {
  std::string trees, info;
  for (size_t i = 0; i < model.trees.size(); ++i) {
    if (i > 0) trees += ',';
    trees += tree_json(model.trees[i], i, model.feature_count);
    info += i ? ",0" : "0";
  }
  double base_score = 1 / (1 + std::exp(-static_cast<double>(model.base_margin)));
  std::string base = model.base_margin == 0 ? "5E-1" : fmt::format("{:.9E}", base_score);
  return fmt::format(
      R"({{"learner":{{"attributes":{{}},"feature_names":[],"feature_types":[],"gradient_booster":{{"model":{{)"
      R"("gbtree_model_param":{{"num_parallel_tree":"1","num_trees":"{}","size_leaf_vector":"0"}},"tree_info":[{}],"trees":[{}]}},)"
      R"("name":"gbtree"}},"learner_model_param":{{"base_score":"{}","num_class":"0","num_feature":"{}","num_target":"1"}},)"
      R"("objective":{{"name":"binary:logistic","reg_loss_param":{{"scale_pos_weight":"1"}}}}}},"version":[1,7,4]}})",
      model.trees.size(), info, trees, base, model.feature_count);
}

}  // namespace paywarden
