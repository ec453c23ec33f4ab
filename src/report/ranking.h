// How well scores put frauds above genuine payments, whatever the threshold.
//
//   std::span<const ScoredPayment> ranked = ...;   // highest score first: sort_by_score()
//   Ranking quality = rank_quality(ranked);         // quality.average_precision
//   walk_thresholds(ranked, [](const ThresholdCounts& at) { use(at.score, at.caught); });
//
// Payments of equal score are alerted together, so nothing depends on the order among them. AUC
// ROC: the Mann-Whitney statistic, ties at their mean rank (Fawcett, "An introduction to ROC
// analysis", 2006). Average precision: the sum over thresholds of precision times the step in
// recall, as scikit-learn has it. NaN where frauds or genuine payments are missing.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "report/scored_payment.h"

namespace paywarden {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// What would be if every payment with at least this score were alerted.
struct ThresholdCounts {
  double score = 0;
  uint64_t alerts = 0;
  uint64_t caught = 0;       // frauds among the alerts
  int64_t caught_minor = 0;  // their money
};

struct Ranking {
  double auc_roc = kUnknown;
  double average_precision = kUnknown;
  double recall_at_precision_90 =
      0;  // the best recall of all thresholds with precision of at least 0.9
  double score_at_precision_90 = kUnknown;    // that threshold; NaN where there is none
  double accuracy = kUnknown;                 // alerting from 0.5 on
  double accuracy_of_never_fraud = kUnknown;  // of who alerts nothing
};

void sort_by_score(std::vector<ScoredPayment>& payments);  // highest first

Ranking rank_quality(std::span<const ScoredPayment> ranked);

// Calls `visit` once for each distinct score, highest first.
template <typename Visit>
void walk_thresholds(std::span<const ScoredPayment> ranked, Visit&& visit) {
  ThresholdCounts at;
  for (size_t i = 0; i < ranked.size();) {
    at.score = ranked[i].score;
    for (; i < ranked.size() && ranked[i].score == at.score; ++i) {
      at.caught += ranked[i].is_fraud;
      if (ranked[i].is_fraud) at.caught_minor += ranked[i].amount_minor;
    }
    at.alerts = i;
    visit(at);
  }
}

}  // namespace paywarden
