// A model as the JSON that XGBoost 1.7 would have saved: what a bundle keeps, whatever the model was read from.
//
//   bundle.model_json = write_xgboost_json(*read_lightgbm_text(text, "model.txt"));
//
// What is read back is the same to the bit; a base margin other than 0 to a few times 10^-7.
#pragma once

#include <string>

#include "forest/tree_model.h"

namespace paywarden {

std::string write_xgboost_json(const TreeModel& model);

}  // namespace paywarden
