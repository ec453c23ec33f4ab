// History through the core as rows to train on: for `train` here and, exported, for training elsewhere.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "training/dataset.h"

namespace paywarden {

// Shows its progress. `config_file` names the configuration in errors.
Result<Dataset> replayed_rows(const Config& config, const std::string& config_file,
                              const std::vector<std::string>& files,
                              std::optional<EventTime> until);

}  // namespace paywarden
