// Reads a model that LightGBM saved as text (version v4, and v3, which has the same fields but for is_linear; by its gbdt_model_text.cpp): objective binary,
// numeric splits.
//
//   auto model = read_lightgbm_text(text, "model.txt");
//   model->trees; lightgbm_feature_names(text);    // in the order of the row
//
// LightGBM sends a value left that is <= a double; ours that is < a float: the next float above, which is the same for every
// float. Where it counts zeros as missing and sends them elsewhere than the split would, the model is refused; so are
// categorical splits, linear trees and several classes. Safe on hostile input, as xgboost_json.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "forest/tree_model.h"

namespace paywarden {

Result<TreeModel> read_lightgbm_text(std::string_view text, std::string_view where,
                                     const ModelLimits& limits = {});
std::vector<std::string> lightgbm_feature_names(std::string_view text);

}  // namespace paywarden
