// Drift as the report shows it: each day's score and features against those that the model was trained on (drift/drift_counts.h).
//
//   metrics.drift = DriftMetrics{"cards-1", levels, days};
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

}  // namespace paywarden
