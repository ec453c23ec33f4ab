#include "forest/model_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "forest/lightgbm_text.h"
#include "forest/ubjson.h"
#include "forest/xgboost_json.h"

namespace paywarden {
namespace {

struct NamedModel {
  TreeModel model;
  std::vector<std::string> names;  // of its columns; none: it does not say
};

Result<NamedModel> read_any(std::string_view bytes, std::string_view where,
                            const ModelLimits& limits) {
  if (bytes.starts_with("tree")) {
    TRY_ASSIGN(TreeModel model, read_lightgbm_text(bytes, where, limits));
    return NamedModel{std::move(model), lightgbm_feature_names(bytes)};
  }
  std::string converted;
  size_t second = bytes.find_first_not_of(" \t\r\n", 1);
  if (!bytes.starts_with('{') || second == std::string_view::npos)
    return fail("this is no model that can be imported", std::string(where),
                "XGBoost's .json or .ubj, or LightGBM's text, as their save_model writes them");
  if (bytes[second] != '"' && bytes[second] != '}') {
    TRY_ASSIGN(converted, ubjson_to_json(bytes, where, 2 * limits.bytes_max));
    bytes = converted;
  }
  ModelLimits of_json = limits;
  of_json.bytes_max = std::max(limits.bytes_max, converted.size());
  TRY_ASSIGN(TreeModel model, read_xgboost_json(bytes, where, of_json));
  return NamedModel{std::move(model), xgboost_feature_names(bytes)};
}

// Names that a library makes up where it was given none.
bool is_made_up(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] != "Column_" + std::to_string(i) && names[i] != "f" + std::to_string(i))
      return false;
  return true;
}

}  // namespace

Result<TreeModel> import_model(std::string_view bytes, std::string_view where,
                               const std::vector<std::string>& features,
                               const ModelLimits& limits) {
  TRY_ASSIGN(NamedModel read, read_any(bytes, where, limits));
  auto wrong = [&](std::string what) {
    return fail(std::move(what), std::string(where),
                "train it on the columns of `paywarden export`, all of them");
  };
  TreeModel& model = read.model;
  if (model.trees.empty())
    return fail("the model has no trees", std::string(where), "train it for one round at least");
  if (model.feature_count != features.size())
    return wrong(fmt::format("the model has {} columns, the configuration {} features",
                             model.feature_count, features.size()));
  if (is_made_up(read.names)) return std::move(model);
  std::unordered_map<std::string_view, uint32_t> places;
  for (size_t i = 0; i < features.size(); ++i) places[features[i]] = static_cast<uint32_t>(i);
  std::vector<uint32_t> place(features.size());
  std::vector<bool> taken(features.size());
  if (read.names.size() != features.size())
    return wrong(
        fmt::format("the model names {} of its {} columns", read.names.size(), features.size()));
  for (size_t i = 0; i < read.names.size(); ++i) {
    auto found = places.find(read.names[i]);
    if (found == places.end() || taken[found->second])
      return wrong(
          fmt::format("the model's column '{}' is {}", read.names[i].substr(0, 80),
                      found == places.end() ? "no feature of the configuration" : "there twice"));
    place[i] = found->second;
    taken[found->second] = true;
  }
  for (Tree& tree : model.trees)
    for (TreeNode& node : tree.nodes)
      if (!node.is_leaf()) node.feature = place[node.feature];
  return std::move(model);
}

}  // namespace paywarden
