// The report's plots of drift: the score's by day, and the features that drift most.
//
//   for (const Figure& figure : draw_drift(*metrics.drift)) page += figure.svg;
#pragma once

#include <vector>

#include "report/drift_metrics.h"
#include "report/figures.h"

namespace paywarden {

std::vector<Figure> draw_drift(const DriftMetrics& drift);

}  // namespace paywarden
