#include "report/drift_metrics.h"

#include <utility>

namespace paywarden {

DriftMetrics drift_of(const DriftCounts& counts, std::string model, const DriftLevels& levels) {
  DriftMetrics drift{std::move(model), levels, {}};
  for (int32_t day : counts.days()) drift.days.push_back(*counts.figures(day));
  return drift;
}

}  // namespace paywarden
