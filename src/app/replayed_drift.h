// The features of payments in files, by day, against those that a bundle was trained on: history through a core, as for training.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "drift/drift_counts.h"
#include "forest/bundle.h"

namespace paywarden {

// Shows its progress. Payments before `from` warm the state alone. The scores are still to be counted.
Result<DriftCounts> replayed_drift(const Config& config, const Bundle& bundle,
                                   const std::vector<std::string>& files,
                                   std::optional<EventTime> from);

}  // namespace paywarden
