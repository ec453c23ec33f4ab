// Picks the review and decline thresholds on a slice of payments later than those that the model
// was trained on.
//
//   std::vector<SlicePayment> later = ...;   // scores as decisions will compare them
//   auto t = thresholds_for_alerts(later, {.alerts_a_day = 100, .declines_a_day = 20});
//   auto u = thresholds_for_precision(later, {.review = 0.3, .decline = 0.9});
//   auto v = thresholds_for_cost(later, {.review_cost = 3});
//   ThresholdReport report = measure_thresholds(later, t);   // what they would have done
//
// A payment is alerted when its score is >= the threshold, so payments of one score are alerted
// together or not at all: a budget or a precision that is picked here holds on this slice exactly,
// ties included. Where nothing satisfies a demand the threshold is never_reached.
#pragma once

#include <cstdint>
#include <vector>

#include "forest/bundle.h"

namespace paywarden {

constexpr float never_reached = 2.0f;  // above every score

struct SlicePayment {
  float score = 0;  // 0 to 1
  bool is_fraud = false;
  int32_t event_day = 0;  // days since any date
  double amount = 0;      // base currency
};

struct PrecisionGoal {
  double review = 0.2;   // at least this share of all alerts (reviews and declines) are frauds
  double decline = 0.9;  // and of declines; >= review
};
// The lowest thresholds that keep it, so that most frauds are found.
BundleThresholds thresholds_for_precision(const std::vector<SlicePayment>& payments,
                                          const PrecisionGoal& goal);

struct AlertGoal {
  uint32_t alerts_a_day = 100;   // reviews and declines, on the worst day of the slice
  uint32_t declines_a_day = 20;  // of them declines; <= alerts_a_day
};
BundleThresholds thresholds_for_alerts(const std::vector<SlicePayment>& payments,
                                       const AlertGoal& goal);

// What each outcome costs, in the currency of `amount`.
struct CostGoal {
  double fraud_share = 1.0;    // of the amount of an approved fraud
  double review_cost = 5.0;    // a quarter of an hour of an analyst, and the customer's patience
  double review_misses = 0.1;  // share of reviewed frauds that the analyst lets through
  double decline_cost = 10.0;  // of a genuine payment declined: the call, the lost sale
  double decline_share = 0.1;  // and so much of its amount
};
BundleThresholds thresholds_for_cost(const std::vector<SlicePayment>& payments,
                                     const CostGoal& goal);
double cost_of(const std::vector<SlicePayment>& payments, const BundleThresholds& thresholds,
               const CostGoal& goal);

struct ThresholdReport {
  uint64_t payments = 0, frauds = 0;
  uint64_t reviews = 0, declines = 0;
  uint64_t frauds_reviewed = 0, frauds_declined = 0;
  uint64_t days = 0;
  uint64_t alerts_a_day_max = 0;  // reviews and declines
  double precision() const;       // of alerts; 0 without any
  double recall() const;
};
ThresholdReport measure_thresholds(const std::vector<SlicePayment>& payments,
                                   const BundleThresholds& thresholds);

}  // namespace paywarden
