// Reads a model that XGBoost saved as JSON (written by 1.7; fields by its doc/model.schema):
// booster gbtree, objective binary:logistic, numeric splits.
//
//   auto model = read_xgboost_json(text, "bundle/model.json");
//   if (!model) return tl::unexpected(model.error());   // names the tree and what is wrong with it
//   auto forest = CompiledForest::compile(*model);
//   // categorical splits, dart, gblinear, several classes: refused, with words
//
// Safe on hostile input: nesting, size and every index are checked, and nothing is believed twice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "forest/tree_model.h"

namespace paywarden {

Result<TreeModel> read_xgboost_json(std::string_view text, std::string_view where,
                                    const ModelLimits& limits = {});
// The columns' names, where the model has them; none where it has not or is unreadable.
std::vector<std::string> xgboost_feature_names(std::string_view text);

}  // namespace paywarden
