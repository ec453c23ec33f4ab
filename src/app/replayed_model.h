// What the report says of a bundle's model: history through a core, as for training.
//
//   std::optional<DriftCounts> drift;                  // the scores are counted there already; nothing: no drift
//   TRY(add_model(config, *model, files, from, drift ? &*drift : nullptr, metrics));
//   metrics.importance, metrics.drift, metrics.hardest_misses.front().reasons
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "engine/bundle_model.h"
#include "report/metrics.h"

namespace paywarden {

// Shows its progress. Payments before `from` warm the state alone. The features are counted in `drift`, and cases that have no reasons
// get the model's. Memory: some 12,000 rows of features.
Status add_model(const Config& config, const BundleModel& model,
                 const std::vector<std::string>& files, std::optional<EventTime> from,
                 DriftCounts* drift, Metrics& metrics);

}  // namespace paywarden
