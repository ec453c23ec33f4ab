// Drift as the report shows it: each day's score and features against those that the model was trained on (drift/drift_counts.h).
//
//   metrics.drift = drift_of(counts, "cards-1", levels);
#pragma once

#include <string>
#include <vector>

#include "drift/drift_counts.h"

namespace paywarden {

struct DriftMetrics {
  std::string model;  // the bundle that says how it was
  DriftLevels levels;
  std::vector<DriftDay>
      days;  // ascending; those with fewer payments than levels.payments_min say little
};

// All days that were counted.
DriftMetrics drift_of(const DriftCounts& counts, std::string model, const DriftLevels& levels);

}  // namespace paywarden
