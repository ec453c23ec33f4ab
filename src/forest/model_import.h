// Models that were trained elsewhere: XGBoost's JSON or UBJSON, LightGBM's text, told apart by their first bytes.
//
//   TRY_ASSIGN(TreeModel model, import_model(bytes, "model.ubj", configured_feature_names));
//   bundle.model_json = write_xgboost_json(model);
//
// Where the file names its columns, they are put into the order of `features`; each must be there, and no other. Where it does not
// (Column_0, f0, or nothing), the columns must be as many and stand in that order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "forest/tree_model.h"

namespace paywarden {

Result<TreeModel> import_model(std::string_view bytes, std::string_view where,
                               const std::vector<std::string>& features,
                               const ModelLimits& limits = {});

}  // namespace paywarden
