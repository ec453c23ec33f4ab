#include "training/thresholds.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "base/check.h"

namespace paywarden {
namespace {

std::vector<SlicePayment> highest_first(const std::vector<SlicePayment>& payments) {
  std::vector<SlicePayment> sorted = payments;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const SlicePayment& a, const SlicePayment& b) { return a.score > b.score; });
  return sorted;
}

// Where the payments of one score end.
size_t end_of_ties(const std::vector<SlicePayment>& sorted, size_t first) {
  size_t end = first;
  while (end < sorted.size() && sorted[end].score == sorted[first].score) ++end;
  return end;
}

float lowest_with_precision(const std::vector<SlicePayment>& sorted, double precision) {
  float threshold = never_reached;
  uint64_t frauds = 0;
  for (size_t first = 0, end; first < sorted.size(); first = end) {
    end = end_of_ties(sorted, first);
    for (size_t i = first; i < end; ++i) frauds += sorted[i].is_fraud;
    if (static_cast<double>(frauds) >= precision * static_cast<double>(end))
      threshold = sorted[first].score;
  }
  return threshold;
}

float lowest_within_budget(const std::vector<SlicePayment>& sorted, uint32_t a_day) {
  float threshold = never_reached;
  std::map<int32_t, uint64_t> alerts;
  for (size_t first = 0, end; first < sorted.size(); first = end) {
    end = end_of_ties(sorted, first);
    for (size_t i = first; i < end; ++i)
      if (++alerts[sorted[i].event_day] > a_day) return threshold;
    threshold = sorted[first].score;
  }
  return threshold;
}

double approve_cost(const SlicePayment& p, const CostGoal& goal) {
  return p.is_fraud ? goal.fraud_share * p.amount : 0;
}
double review_cost(const SlicePayment& p, const CostGoal& goal) {
  return goal.review_cost + goal.review_misses * approve_cost(p, goal);
}
double decline_cost(const SlicePayment& p, const CostGoal& goal) {
  return p.is_fraud ? 0 : goal.decline_cost + goal.decline_share * p.amount;
}

}  // namespace

BundleThresholds thresholds_for_precision(const std::vector<SlicePayment>& payments,
                                          const PrecisionGoal& goal) {
  CHECK(goal.review <= goal.decline, "declines are at least as precise as reviews");
  std::vector<SlicePayment> sorted = highest_first(payments);
  return {lowest_with_precision(sorted, goal.review), lowest_with_precision(sorted, goal.decline)};
}

BundleThresholds thresholds_for_alerts(const std::vector<SlicePayment>& payments,
                                       const AlertGoal& goal) {
  CHECK(goal.declines_a_day <= goal.alerts_a_day, "a decline is an alert");
  std::vector<SlicePayment> sorted = highest_first(payments);
  return {lowest_within_budget(sorted, goal.alerts_a_day),
          lowest_within_budget(sorted, goal.declines_a_day)};
}

// Payments sorted by score are cut in three: the first d declined, those to r reviewed, the rest
// approved. The cost is a sum of three running sums, so one pass finds the best d for every r.
BundleThresholds thresholds_for_cost(const std::vector<SlicePayment>& payments,
                                     const CostGoal& goal) {
  std::vector<SlicePayment> sorted = highest_first(payments);
  double declined = 0, reviewed = 0, approved = 0;  // costs of those seen so far, if they were
  double best_prefix = 0,
         best = 0;  // declined - reviewed, at the best d; against approving everything
  float decline = never_reached;
  BundleThresholds chosen{never_reached, never_reached};
  for (size_t first = 0, end; first < sorted.size(); first = end) {
    end = end_of_ties(sorted, first);
    for (size_t i = first; i < end; ++i) {
      declined += decline_cost(sorted[i], goal);
      reviewed += review_cost(sorted[i], goal);
      approved += approve_cost(sorted[i], goal);
    }
    float score = sorted[first].score;
    if (declined - reviewed < best_prefix) {
      best_prefix = declined - reviewed;
      decline = score;
    }
    if (double cost = best_prefix + reviewed - approved; cost < best) {
      best = cost;
      chosen = {score, decline};
    }
  }
  return chosen;
}

double cost_of(const std::vector<SlicePayment>& payments, const BundleThresholds& thresholds,
               const CostGoal& goal) {
  double cost = 0;
  for (const SlicePayment& p : payments) {
    if (p.score >= thresholds.decline)
      cost += decline_cost(p, goal);
    else
      cost += p.score >= thresholds.review ? review_cost(p, goal) : approve_cost(p, goal);
  }
  return cost;
}

ThresholdReport measure_thresholds(const std::vector<SlicePayment>& payments,
                                   const BundleThresholds& thresholds) {
  ThresholdReport report;
  std::map<int32_t, uint64_t> alerts;
  for (const SlicePayment& p : payments) {
    bool declined = p.score >= thresholds.decline,
         reviewed = !declined && p.score >= thresholds.review;
    ++report.payments;
    report.frauds += p.is_fraud;
    report.declines += declined;
    report.reviews += reviewed;
    report.frauds_declined += declined && p.is_fraud;
    report.frauds_reviewed += reviewed && p.is_fraud;
    alerts[p.event_day] += declined || reviewed;
  }
  report.days = alerts.size();
  for (const auto& [day, count] : alerts)
    report.alerts_a_day_max = std::max(report.alerts_a_day_max, count);
  return report;
}

double ThresholdReport::precision() const {
  uint64_t alerts = reviews + declines;
  return alerts
             ? static_cast<double>(frauds_reviewed + frauds_declined) / static_cast<double>(alerts)
             : 0;
}

double ThresholdReport::recall() const {
  return frauds
             ? static_cast<double>(frauds_reviewed + frauds_declined) / static_cast<double>(frauds)
             : 0;
}

}  // namespace paywarden
