#include "report/metrics.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "report/card_precision.h"

namespace paywarden {
namespace {

using Payments = std::span<const ScoredPayment>;

double share(double part, double whole) {
  return whole > 0 ? part / whole : kUnknown;
}
double share(uint64_t part, uint64_t whole) {
  return share(static_cast<double>(part), static_cast<double>(whole));
}
double share(int64_t part, int64_t whole) {
  return share(static_cast<double>(part), static_cast<double>(whole));
}

bool is_alert(Outcome outcome) {
  return outcome != Outcome::approve;
}

// ---- Counts at the outcomes as decided ----

std::array<OutcomeCounts, 3> count_outcomes(Payments payments) {
  std::array<OutcomeCounts, 3> counts;
  for (const ScoredPayment& p : payments) {
    OutcomeCounts& at = counts[static_cast<size_t>(p.outcome)];
    (p.is_fraud ? at.frauds : at.genuine) += 1;
    (p.is_fraud ? at.fraud_minor : at.genuine_minor) += p.amount_minor;
  }
  return counts;
}

AlertQuality judge_alerts(const std::array<OutcomeCounts, 3>& counts, Outcome from, double days) {
  AlertQuality quality;
  uint64_t genuine = 0, frauds = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    bool alerted = i >= static_cast<size_t>(from);
    genuine += counts[i].genuine;
    frauds += counts[i].frauds;
    (alerted ? quality.caught : quality.missed) += counts[i].frauds;
    (alerted ? quality.caught_minor : quality.missed_minor) += counts[i].fraud_minor;
    if (alerted) quality.false_alarms += counts[i].genuine;
  }
  quality.alerts = quality.caught + quality.false_alarms;
  quality.precision = share(quality.caught, quality.alerts);
  quality.recall = share(quality.caught, frauds);
  quality.false_alarm_share = share(quality.false_alarms, genuine);
  quality.alerts_a_day = static_cast<double>(quality.alerts) / days;
  quality.money_recall = share(quality.caught_minor, quality.caught_minor + quality.missed_minor);
  return quality;
}

// ---- Time ----

void count(const ScoredPayment& p, Period& period) {
  bool caught = p.is_fraud && is_alert(p.outcome);
  period.payments += 1;
  period.frauds += p.is_fraud;
  period.reviews += p.outcome == Outcome::review;
  period.declines += p.outcome == Outcome::decline;
  period.caught += caught;
  period.caught_by_decline += p.is_fraud && p.outcome == Outcome::decline;
  if (p.is_fraud) period.fraud_minor += p.amount_minor;
  if (caught) period.caught_minor += p.amount_minor;
}

std::vector<Period> empty_periods(int32_t first_day, int32_t last_day, int32_t length) {
  std::vector<Period> periods;
  for (int32_t day = first_day; day <= last_day; day += length)
    periods.push_back({.first_day = day, .days = std::min(length, last_day - day + 1)});
  return periods;
}

// `payments`: sorted by day.
std::vector<Period> count_periods(Payments payments, int32_t length) {
  if (payments.empty()) return {};
  int32_t first = payments.front().day;
  std::vector<Period> periods = empty_periods(first, payments.back().day, length);
  for (const ScoredPayment& p : payments)
    count(p, periods[static_cast<size_t>((p.day - first) / length)]);
  return periods;
}

void measure_cards(Payments payments, size_t k, Metrics& out) {
  out.card_precision_k = k;
  double sum = 0;
  std::vector<DayPrecision> days = card_precision_by_day(payments, out.cards, k);
  for (const DayPrecision& day : days) {
    Period& period = out.by_day[static_cast<size_t>(day.day - payments.front().day)];
    period.card_precision = day.precision;
    period.card_precision_possible = day.possible;
    sum += day.precision;
  }
  out.card_precision = share(sum, static_cast<double>(days.size()));
}

void sort_by_day(std::vector<ScoredPayment>& payments) {
  auto earlier = [](const ScoredPayment& a, const ScoredPayment& b) {
    return a.day != b.day ? a.day < b.day : a.position < b.position;
  };
  if (!std::ranges::is_sorted(payments, earlier)) std::ranges::sort(payments, earlier);
}

// ---- Scores ----

size_t bin_of(double score, size_t bins) {
  return std::min(static_cast<size_t>(score * static_cast<double>(bins)), bins - 1);
}

std::vector<ScoreBin> count_scores(Payments payments, size_t bins) {
  std::vector<ScoreBin> counts(bins);
  double width = 1 / static_cast<double>(bins);
  for (size_t i = 0; i < bins; ++i) {
    counts[i].from = static_cast<double>(i) * width;
    counts[i].to = static_cast<double>(i + 1) * width;
  }
  for (const ScoredPayment& p : payments) {
    ScoreBin& bin = counts[bin_of(p.score, bins)];
    (p.is_fraud ? bin.frauds : bin.genuine) += 1;
  }
  return counts;
}

// The interval in which the true share lies in 95 of 100 samples (Wilson, 1927); stays within 0..1
// for few payments.
void set_interval(CalibrationCurve::Bin& bin) {
  constexpr double kZ = 1.959963984540054;  // the normal distribution's 97.5 % point
  double n = static_cast<double>(bin.payments), p = bin.fraud_share, z2 = kZ * kZ / n;
  double middle = (p + z2 / 2) / (1 + z2);
  double reach = kZ / (1 + z2) * std::sqrt(p * (1 - p) / n + z2 / (4 * n));
  bin.low = std::max(0.0, middle - reach);
  bin.high = std::min(1.0, middle + reach);
}

CalibrationCurve calibrate(Payments payments, size_t bins) {
  CalibrationCurve result;
  std::vector<double> score_sums(bins);
  double squares = 0;
  for (const ScoreBin& bin : count_scores(payments, bins))
    result.bins.push_back({.from = bin.from,
                           .to = bin.to,
                           .payments = bin.genuine + bin.frauds,
                           .frauds = bin.frauds});
  for (const ScoredPayment& p : payments) {
    score_sums[bin_of(p.score, bins)] += p.score;
    squares += (p.score - p.is_fraud) * (p.score - p.is_fraud);
  }
  double distance = 0, frauds = 0;
  for (size_t i = 0; i < bins; ++i) {
    CalibrationCurve::Bin& bin = result.bins[i];
    frauds += static_cast<double>(bin.frauds);
    if (bin.payments == 0) continue;
    bin.mean_score = score_sums[i] / static_cast<double>(bin.payments);
    bin.fraud_share = share(bin.frauds, bin.payments);
    distance += std::abs(bin.mean_score - bin.fraud_share) * static_cast<double>(bin.payments);
    set_interval(bin);
  }
  double n = static_cast<double>(payments.size()), rate = share(frauds, n);
  result.brier = share(squares, n);
  result.brier_of_base_rate = rate * (1 - rate);
  result.error = share(distance, n);
  return result;
}

// ---- Curves; `ranked`: highest score first ----

void trace_ranking(Payments ranked, size_t points_max, Metrics& out) {
  const uint64_t genuine = out.payments - out.frauds;
  if (out.frauds == 0 || genuine == 0) return;
  CurveSampler roc(points_max, XScale::logarithmic), precision_recall(points_max, XScale::linear);
  roc.add({0, 0, 1});
  walk_thresholds(ranked, [&](const ThresholdCounts& at) {
    double recall = share(at.caught, out.frauds);
    roc.add({share(at.alerts - at.caught, genuine), recall, at.score});
    precision_recall.add({recall, share(at.caught, at.alerts), at.score});
  });
  out.roc = roc.take();
  out.precision_recall = precision_recall.take();
}

void trace_money(Payments ranked, size_t points_max, Metrics& out) {
  if (out.fraud_minor <= 0) return;
  CurveSampler money(points_max, XScale::logarithmic);
  walk_thresholds(ranked, [&](const ThresholdCounts& at) {
    money.add({static_cast<double>(at.alerts) / out.days, share(at.caught_minor, out.fraud_minor),
               at.score});
  });
  out.money = money.take();
}

// ---- All of it ----

void describe(const Sample& sample, Metrics& out) {
  out.payments = sample.payments.size();
  for (const ScoredPayment& p : sample.payments) {
    out.frauds += p.is_fraud;
    if (p.is_fraud) out.fraud_minor += p.amount_minor;
  }
  out.cards = sample.cards;
  out.currency = sample.currency;
  out.first = sample.first;
  out.last = sample.last;
  double span = static_cast<double>((sample.last - sample.first).ms());
  out.days = std::max(1.0, span / static_cast<double>(days(1).ms()));
}

void take_words(Sample& sample, Metrics& out) {
  out.models = std::move(sample.models);
  out.notes = sample.notes;
  out.hardest_misses = std::move(sample.hardest_misses);
  out.costliest_misses = std::move(sample.costliest_misses);
  out.loudest_alarms = std::move(sample.loudest_alarms);
}

void measure_outcomes(Payments payments, Metrics& out) {
  out.outcomes = count_outcomes(payments);
  out.alerts = judge_alerts(out.outcomes, Outcome::review, out.days);
  out.declines = judge_alerts(out.outcomes, Outcome::decline, out.days);
}

}  // namespace

Metrics measure(Sample sample, const MetricsOptions& options) {
  CHECK(!sample.payments.empty(), "a sample holds at least one payment");
  Metrics out;
  describe(sample, out);
  take_words(sample, out);
  std::vector<ScoredPayment>& payments = sample.payments;
  measure_outcomes(payments, out);
  out.calibration = calibrate(payments, options.calibration_bins);
  out.scores = count_scores(payments, options.score_bins);

  sort_by_day(payments);
  out.by_day = count_periods(payments, 1);
  out.weeks = count_periods(payments, 7);
  measure_cards(payments, options.card_precision_k, out);

  sort_by_score(payments);
  out.ranking = rank_quality(payments);
  trace_ranking(payments, options.curve_points_max, out);
  trace_money(payments, options.curve_points_max, out);
  return out;
}

}  // namespace paywarden
