#include "report/ranking.h"

#include <algorithm>

namespace paywarden {

void sort_by_score(std::vector<ScoredPayment>& payments) {
  std::ranges::sort(payments, [](const ScoredPayment& a, const ScoredPayment& b) {
    return a.score != b.score ? a.score > b.score : a.position < b.position;
  });
}

Ranking rank_quality(std::span<const ScoredPayment> ranked) {
  Ranking quality;
  if (ranked.empty()) return quality;
  const double payments = static_cast<double>(ranked.size());
  const double frauds =
      static_cast<double>(std::ranges::count_if(ranked, &ScoredPayment::is_fraud));
  const double genuine = payments - frauds;
  double pairs_in_order = 0, area = 0, recall_before = 0, right_at_half = genuine;
  ThresholdCounts before;
  walk_thresholds(ranked, [&](const ThresholdCounts& at) {
    double hits = static_cast<double>(at.caught), hits_before = static_cast<double>(before.caught);
    double alarms = static_cast<double>(at.alerts - at.caught);
    double new_alarms = alarms - static_cast<double>(before.alerts - before.caught);
    pairs_in_order += new_alarms * (hits + hits_before) / 2;
    double precision = hits / static_cast<double>(at.alerts), recall = hits / frauds;
    area += precision * (recall - recall_before);
    recall_before = recall;
    if (precision >= 0.9 && recall > quality.recall_at_precision_90) {
      quality.recall_at_precision_90 = recall;
      quality.score_at_precision_90 = at.score;
    }
    if (at.score >= 0.5) right_at_half = hits + genuine - alarms;
    before = at;
  });
  quality.auc_roc = frauds > 0 && genuine > 0 ? pairs_in_order / (frauds * genuine) : kUnknown;
  if (frauds == 0) quality.recall_at_precision_90 = kUnknown;
  quality.average_precision = frauds > 0 ? area : kUnknown;
  quality.accuracy = right_at_half / payments;
  quality.accuracy_of_never_fraud = genuine / payments;
  return quality;
}

}  // namespace paywarden
