// What a sample of decided payments with known labels says about the detector: all figures of the
// report.
//
//   Metrics metrics = measure(std::move(sample), {});
//   metrics.ranking.average_precision
//   metrics.alerts.recall            // of review and decline together, as they were decided
//   metrics.weeks[0].caught
//
// Money is in minor units of `currency`. Shares are NaN where there is nothing to divide by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/curve_sampler.h"
#include "report/drift_metrics.h"
#include "report/importance_metrics.h"
#include "report/ranking.h"
#include "report/scored_payment.h"

namespace paywarden {

struct MetricsOptions {
  size_t card_precision_k =
      100;  // cards that are looked at a day: the Fraud Detection Handbook's choice
  size_t calibration_bins = 10;  // of equal width: one for each tenth of probability
  size_t score_bins = 50;        // of equal width, in the score distribution: two hundredths each
  size_t curve_points_max = 1'000;  // a curve's points kept: two a pixel
};

struct OutcomeCounts {
  uint64_t genuine = 0, frauds = 0;
  int64_t genuine_minor = 0, fraud_minor = 0;
};

// One way of raising alerts, judged.
struct AlertQuality {
  uint64_t alerts = 0, caught = 0, missed = 0, false_alarms = 0;
  double precision = kUnknown;  // caught / alerts
  double recall = kUnknown;     // caught / frauds
  double alerts_a_day = 0;
  double false_alarm_share = kUnknown;  // false alarms / genuine payments
  int64_t caught_minor = 0, missed_minor = 0;
  double money_recall = kUnknown;  // caught_minor / all fraud's money
};

struct CalibrationCurve {
  struct Bin {
    double from = 0, to = 0;  // scores; the last bin holds its upper end
    uint64_t payments = 0, frauds = 0;
    double mean_score = kUnknown;
    double fraud_share = kUnknown;
    double low = kUnknown, high = kUnknown;  // 95 % interval of fraud_share (Wilson, 1927)
  };
  std::vector<Bin> bins;
  double brier = kUnknown;  // mean squared error of the score; 0 is perfect (Brier, 1950)
  double brier_of_base_rate = kUnknown;  // of who always says the share of frauds
  double error = kUnknown;  // mean distance of score and share of frauds, weighted by payments
};

struct ScoreBin {
  double from = 0, to = 0;
  uint64_t genuine = 0, frauds = 0;
};

// Some days in a row, UTC.
struct Period {
  int32_t first_day = 0;  // since 1970-01-01
  int32_t days = 1;
  uint64_t payments = 0, frauds = 0;
  uint64_t reviews = 0, declines = 0;  // alerts = both
  uint64_t caught = 0, caught_by_decline = 0;
  int64_t fraud_minor = 0, caught_minor = 0;
  double card_precision = kUnknown;  // a day's alone
  double card_precision_possible = kUnknown;

  double precision() const {
    return reviews + declines ? ratio(caught, reviews + declines) : kUnknown;
  }
  double recall() const { return frauds ? ratio(caught, frauds) : kUnknown; }

 private:
  static double ratio(uint64_t a, uint64_t b) {
    return static_cast<double>(a) / static_cast<double>(b);
  }
};

struct Metrics {
  uint64_t payments = 0, frauds = 0, cards = 0;
  int64_t fraud_minor = 0;
  Currency currency;
  EventTime first, last;
  double days = 1;  // from first to last, at least one
  std::vector<std::string> models;
  SampleNotes notes;

  Ranking ranking;
  std::vector<CurvePoint> roc;               // x: share of genuine payments alerted, y: recall
  std::vector<CurvePoint> precision_recall;  // x: recall, y: precision
  std::vector<CurvePoint> money;  // x: alerts a day, y: share of the frauds' money caught

  std::array<OutcomeCounts, 3> outcomes;  // by Outcome
  AlertQuality alerts;                    // review or decline
  AlertQuality declines;                  // decline alone

  CalibrationCurve calibration;
  std::vector<ScoreBin> scores;
  std::vector<Period> by_day;  // without gaps
  std::vector<Period> weeks;   // of seven days from the first; the last may be shorter
  // Card Precision@k (Fraud Detection Handbook, chapter 4): of the k cards with the highest scores
  // a day, the share that had a fraud that day; a card once found is out of later days. The mean
  // over the days.
  double card_precision = kUnknown;
  size_t card_precision_k = 0;

  // Where a bundle was given; an imported one does not say what it was trained on, so has no drift.
  std::optional<DriftMetrics> drift;
  std::optional<ImportanceMetrics> importance;
  std::vector<Case> hardest_misses, costliest_misses, loudest_alarms;
};

// Sorts the sample in place: no second copy of it is made.
Metrics measure(Sample sample, const MetricsOptions& options = {});

}  // namespace paywarden
