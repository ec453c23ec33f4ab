// All figures of an evaluation as JSON, for programs: what metrics.json holds.
//
//   std::string text = metrics_json(metrics);
//   // {"version":1,"payments":250198,"frauds":1299,"auc_roc":0.998,"average_precision":0.953,...}
//
// Names and meanings are those of metrics.h; amounts are in minor units of `currency`; what is
// unknown is null; days are "YYYY-MM-DD". The version changes when a member changes its meaning or
// goes.
#pragma once

#include <string>

#include "report/metrics.h"

namespace paywarden {

std::string metrics_json(const Metrics& metrics);

}  // namespace paywarden
