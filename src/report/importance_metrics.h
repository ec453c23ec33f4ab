// How far each feature moves the scores: its mean absolute contribution (SHAP value, in log-odds; Lundberg et al. 2020,
// doi:10.1038/s42256-019-0138-9) over payments drawn at random.
//
//   metrics.importance = ImportanceMetrics{"cards-1", 10'000, 212, features};
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace paywarden {

struct FeatureImportance {
  std::string feature;
  double of_payments = 0;  // mean absolute contribution, log-odds
  double of_frauds = 0;    // the same over frauds alone; NaN: there was none
};

struct ImportanceMetrics {
  std::string model;                        // the bundle
  uint64_t payments = 0;                    // drawn among all of them
  uint64_t frauds = 0;                      // drawn among the frauds
  std::vector<FeatureImportance> features;  // by of_payments, the largest first
};

}  // namespace paywarden
