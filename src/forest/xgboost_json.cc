#include "forest/xgboost_json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <limits>
#include <optional>
#include <string>

#include "base/fixed_math.h"

namespace paywarden {
namespace {

namespace dom = simdjson::dom;

constexpr size_t nesting_max = 16;  // XGBoost's own models nest 6 deep

tl::unexpected<Error> unreadable(std::string what) {
  return fail("this is no XGBoost JSON model: " + what, {},
              "save it with XGBoosterSaveModel to a name that ends in .json (XGBoost 1.7)");
}

tl::unexpected<Error> unsupported(std::string what) {
  return fail(std::move(what), {},
              "train with booster gbtree, objective binary:logistic, numeric features");
}

// XGBoost writes its parameters as strings.
std::optional<double> number_in(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::string_view> text_at(dom::element from, std::string_view pointer) {
  std::string_view text;
  if (from.at_pointer(pointer).get_string().get(text))
    return unreadable(fmt::format("'{}' is missing or no text", pointer));
  return text;
}

Result<double> parameter_at(dom::element from, std::string_view pointer) {
  TRY_ASSIGN(std::string_view text, text_at(from, pointer));
  auto value = number_in(text);
  if (!value)
    return unreadable(fmt::format("'{}' is no number: '{}'", pointer, text.substr(0, 40)));
  return *value;
}

// One column of a tree: an array with a number (or a boolean) for each node.
class Column {
 public:
  static Result<Column> open(dom::object tree, std::string_view name, size_t size) {
    dom::array values;
    if (tree[name].get_array().get(values)) return unreadable(fmt::format("'{}' is missing", name));
    if (values.size() != size)
      return unreadable(fmt::format("'{}' has {} entries for {} nodes", name, values.size(), size));
    return Column(name, values);
  }

  Result<double> next() {
    dom::element element = *at_;
    ++at_;
    double value = 0;
    bool flag = false;
    if (!element.get_double().get(value)) return value;
    if (!element.get_bool().get(flag)) return flag ? 1.0 : 0.0;
    return unreadable(fmt::format("'{}' holds something else than numbers", name_));
  }

  // A whole number from -1 (for "none") to 2^31 - 1.
  Result<int32_t> next_index() {
    TRY_ASSIGN(double value, next());
    // XGBoost writes "no parent" and "deleted" as 2^31 - 1.
    if (!(value >= -1 && value <= std::numeric_limits<int32_t>::max()) ||
        value != static_cast<int32_t>(value))
      return unreadable(fmt::format("'{}' holds {}, which is no index", name_, value));
    return static_cast<int32_t>(value);
  }

 private:
  Column(std::string_view name, dom::array values) : name_(name), at_(values.begin()) {}
  std::string_view name_;
  dom::array::iterator at_;
};

Status fill_nodes(dom::object json, Tree& tree) {
  size_t size = tree.nodes.size();
  TRY_ASSIGN(Column left, Column::open(json, "left_children", size));
  TRY_ASSIGN(Column right, Column::open(json, "right_children", size));
  TRY_ASSIGN(Column feature, Column::open(json, "split_indices", size));
  TRY_ASSIGN(Column condition, Column::open(json, "split_conditions", size));
  TRY_ASSIGN(Column default_left, Column::open(json, "default_left", size));
  TRY_ASSIGN(Column cover, Column::open(json, "sum_hessian", size));
  for (TreeNode& node : tree.nodes) {
    TRY_ASSIGN(node.left, left.next_index());
    TRY_ASSIGN(node.right, right.next_index());
    TRY_ASSIGN(int32_t split, feature.next_index());
    TRY_ASSIGN(double threshold, condition.next());
    TRY_ASSIGN(double goes_left, default_left.next());
    TRY_ASSIGN(double hessians, cover.next());
    node.feature = static_cast<uint32_t>(split);
    node.threshold = static_cast<float>(threshold);
    node.value = node.is_leaf() ? node.threshold : 0.0f;
    node.default_left = goes_left != 0;
    node.cover = static_cast<float>(hessians);
    if (node.is_leaf()) node.feature = 0;
  }
  return {};
}

Status refuse_categories(dom::object json) {
  dom::array nodes, types;
  if (!json["categories_nodes"].get_array().get(nodes) && nodes.size() != 0)
    return unsupported("the model has categorical splits");
  if (json["split_type"].get_array().get(types))
    return {};  // versions before 1.5 have no such field
  for (dom::element type : types) {
    double value = 0;
    if (type.get_double().get(value) || value != 0)
      return unsupported("the model has categorical splits");
  }
  return {};
}

Result<Tree> read_tree(dom::element element, const ModelLimits& limits) {
  dom::object json;
  if (element.get_object().get(json)) return unreadable("a tree is no object");
  TRY(refuse_categories(json));
  dom::array left;
  if (json["left_children"].get_array().get(left)) return unreadable("'left_children' is missing");
  // simdjson counts to 2^24 - 1 and then stays there; limits.nodes_max is below that.
  if (left.size() > limits.nodes_max)
    return unreadable(fmt::format("a tree has more than {} nodes", limits.nodes_max));
  Tree tree;
  tree.nodes.resize(left.size());
  TRY(fill_nodes(json, tree));
  return tree;
}

Status refuse_others(dom::element root) {
  TRY_ASSIGN(std::string_view objective, text_at(root, "/learner/objective/name"));
  if (objective != "binary:logistic")
    return unsupported(fmt::format("the model's objective is '{}'", objective.substr(0, 40)));
  TRY_ASSIGN(std::string_view booster, text_at(root, "/learner/gradient_booster/name"));
  if (booster != "gbtree")
    return unsupported(fmt::format("the model's booster is '{}'", booster.substr(0, 40)));
  TRY_ASSIGN(double classes, parameter_at(root, "/learner/learner_model_param/num_class"));
  if (classes > 1) return unsupported(fmt::format("the model has {} classes", classes));
  return {};
}

Result<float> base_margin(dom::element root) {
  TRY_ASSIGN(double score, parameter_at(root, "/learner/learner_model_param/base_score"));
  if (!(score > 0 && score < 1))
    return unreadable(fmt::format("base_score is {}, not between 0 and 1", score));
  // XGBoost keeps the score as a float, and so do we.
  double rounded = static_cast<double>(static_cast<float>(score));
  return static_cast<float>(-fixed_log(1.0 / rounded - 1.0));
}

Result<TreeModel> read_model(dom::element root, const ModelLimits& limits) {
  TRY(refuse_others(root));
  TreeModel model;
  TRY_ASSIGN(model.base_margin, base_margin(root));
  TRY_ASSIGN(double features, parameter_at(root, "/learner/learner_model_param/num_feature"));
  if (!(features >= 1 && features <= limits.features_max))
    return unreadable(fmt::format("num_feature is {}, not 1 to {}", features, limits.features_max));
  model.feature_count = static_cast<uint32_t>(features);
  dom::array trees;
  if (root.at_pointer("/learner/gradient_booster/model/trees").get_array().get(trees))
    return unreadable("'/learner/gradient_booster/model/trees' is missing");
  if (trees.size() > limits.trees_max)
    return unreadable(fmt::format("it has more than {} trees", limits.trees_max));
  for (dom::element element : trees) {
    TRY_ASSIGN(Tree tree, read_tree(element, limits));
    model.trees.push_back(std::move(tree));
  }
  return model;
}

Result<TreeModel> parse(std::string_view text, const ModelLimits& limits) {
  if (text.size() > limits.bytes_max)
    return unreadable(fmt::format("it is longer than {} bytes", limits.bytes_max));
  dom::parser parser;
  if (auto error = parser.allocate(text.size() + 1, nesting_max))
    return unreadable(simdjson::error_message(error));
  dom::element root;
  if (auto error = parser.parse(text.data(), text.size(), true).get(root))
    return unreadable(simdjson::error_message(error));
  return read_model(root, limits);
}

}  // namespace

Result<TreeModel> read_xgboost_json(std::string_view text, std::string_view where,
                                    const ModelLimits& limits) {
  return checked_model(parse(text, limits), limits, where);
}

std::vector<std::string> xgboost_feature_names(std::string_view text) {
  std::vector<std::string> out;
  dom::parser parser;
  dom::element root;
  dom::array names;
  if (parser.allocate(text.size() + 1, nesting_max) ||
      parser.parse(text.data(), text.size(), true).get(root) ||
      root.at_pointer("/learner/feature_names").get_array().get(names))
    return out;
  for (dom::element name : names) {
    std::string_view value;
    if (name.get_string().get(value)) return {};
    out.emplace_back(value);
  }
  return out;
}

}  // namespace paywarden
