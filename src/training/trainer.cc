#include "training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "forest/compiled_forest.h"
#include "forest/xgboost_json.h"
#include "training/reference.h"
#include "training/thresholds.h"

namespace paywarden {
namespace {

constexpr size_t kMedianRows =
    200'000;  // of genuine payments: a median of so many is right to a fraction of a percent

struct Split {
  size_t train_end = 0;    // rows before it: training
  size_t slice_begin = 0;  // rows from it on: the later slice
};

// Rows are in file order, nearly that of time; the cut is by position of the first row past the time.
Split split_of(const Dataset& data, double slice, Duration gap) {
  EventTime first = data.time(0), last = data.time(data.rows() - 1);
  EventTime cut =
      last - Duration(static_cast<int64_t>(slice * static_cast<double>((last - first).ms())));
  Split split;
  while (split.train_end < data.rows() && data.time(split.train_end) < cut - gap) ++split.train_end;
  split.slice_begin = split.train_end;
  while (split.slice_begin < data.rows() && data.time(split.slice_begin) < cut) ++split.slice_begin;
  return split;
}

uint64_t frauds_in(const Dataset& data, size_t begin, size_t end) {
  uint64_t n = 0;
  for (size_t i = begin; i < end; ++i) n += data.is_fraud(i);
  return n;
}

Result<std::vector<SlicePayment>> score_slice(const Dataset& data, size_t begin,
                                              const std::string& model_json) {
  TRY_ASSIGN(TreeModel model, read_xgboost_json(model_json, "the trained model"));
  TRY_ASSIGN(CompiledForest forest, CompiledForest::compile(model));
  std::vector<SlicePayment> out(data.rows() - begin);
  for (size_t i = begin; i < data.rows(); ++i) {
    out[i - begin] = {forest.score(data.row(i)), data.is_fraud(i), day_of(data.time(i)),
                      data.amount(i)};
  }
  return out;
}

float median_of(const Dataset& data, size_t column, size_t step) {
  std::vector<float> values;
  for (size_t i = 0; i < data.rows(); i += step)
    if (!data.is_fraud(i) && !std::isnan(data.row(i)[column]))
      values.push_back(data.row(i)[column]);
  if (values.empty()) return std::nanf("");
  auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double average_precision(std::vector<SlicePayment> payments) {
  std::sort(payments.begin(), payments.end(),
            [](const auto& a, const auto& b) { return a.score > b.score; });
  double frauds = 0, hits = 0, area = 0;
  for (const SlicePayment& p : payments) frauds += p.is_fraud;
  for (size_t i = 0; i < payments.size();) {
    size_t j = i;
    double before = hits;
    for (; j < payments.size() && payments[j].score == payments[i].score; ++j)
      hits += payments[j].is_fraud;
    area += hits / static_cast<double>(j) * (hits - before);
    i = j;
  }
  return frauds > 0 ? area / frauds : 0;
}

BundleThresholds pick(const std::vector<SlicePayment>& slice, const TrainingOptions& options) {
  switch (options.thresholds) {
    case ThresholdGoal::alerts:
      return thresholds_for_alerts(slice, options.alerts);
    case ThresholdGoal::cost:
      return thresholds_for_cost(slice, options.cost);
    case ThresholdGoal::precision:
      break;
  }
  return thresholds_for_precision(slice, {options.review_precision, options.decline_precision});
}

void describe(Bundle& bundle, const Dataset& data, const BoosterOptions& b,
              const TrainedModel& chosen, CalibrationKind calibration) {
  bundle.training.rows = data.rows();
  bundle.training.frauds = frauds_in(data, 0, data.rows());
  bundle.training.from = format_rfc3339(data.time(0));
  bundle.training.until = format_rfc3339(data.time(data.rows() - 1) + milliseconds(1));
  bundle.training.parameters = {{"trees", std::to_string(chosen.trees)},
                                {"depth", std::to_string(b.depth)},
                                {"learning_rate", fmt::format("{}", b.learning_rate)},
                                {"max_bin", std::to_string(b.max_bin)},
                                {"min_child_weight", fmt::format("{}", b.min_child_weight)},
                                {"subsample", fmt::format("{}", b.subsample)},
                                {"colsample", fmt::format("{}", b.colsample)},
                                {"lambda", fmt::format("{}", b.lambda)},
                                {"seed", std::to_string(b.seed)},
                                {"calibration", name_of(calibration)}};
}

void measure(Bundle& bundle, const std::vector<SlicePayment>& slice,
             const FittedCalibration& fitted, const TrainingOptions& options) {
  ThresholdReport report = measure_thresholds(slice, bundle.thresholds);
  auto d = [](uint64_t n) { return static_cast<double>(n); };
  bundle.metrics = {{"slice_payments", d(report.payments)},
                    {"slice_frauds", d(report.frauds)},
                    {"slice_average_precision", average_precision(slice)},
                    {"slice_alerts_precision", report.precision()},
                    {"slice_alerts_recall", report.recall()},
                    {"slice_alerts_a_day_max", d(report.alerts_a_day_max)},
                    {"slice_declines", d(report.declines)},
                    {"slice_frauds_declined", d(report.frauds_declined)},
                    {"slice_brier", fitted.brier},
                    {"slice_brier_uncalibrated", fitted.brier_before},
                    {"slice_log_loss", fitted.log_loss},
                    {"slice_log_loss_uncalibrated", fitted.log_loss_before}};
  if (options.thresholds != ThresholdGoal::cost) return;
  bundle.metrics.push_back({"slice_cost", cost_of(slice, bundle.thresholds, options.cost)});
  bundle.metrics.push_back({"slice_cost_without_alerts", cost_of(slice, {}, options.cost)});
}

}  // namespace

Result<Bundle> train_bundle(const Dataset& data, const FeatureSet& features,
                            const TrainingOptions& options, const TrainingProgress& progress) {
  if (data.rows() < 100)
    return fail("there are only " + std::to_string(data.rows()) + " payments to train on", {},
                "give more history");
  Split split = split_of(data, options.slice, features.options().label_delay);
  uint64_t early = frauds_in(data, 0, split.train_end),
           later = frauds_in(data, split.slice_begin, data.rows());
  if (early == 0 || later == 0)
    return fail(
        fmt::format(
            "{} frauds in {} payments before and {} in {} payments of the slice of time that "
            "thresholds are picked on (training.slice); {} before it (features.label_delay) "
            "are left out",
            early, split.train_end, later, data.rows() - split.slice_begin,
            format_duration(features.options().label_delay)),
        format_rfc3339(data.time(0)) + " to " + format_rfc3339(data.time(data.rows() - 1)),
        "give more history, or set training.slice; are these the times of the first and the last "
        "payment?");

  auto tell = [&](std::string_view stage) {
    return [&progress, stage](const BoosterProgress& p) {
      if (progress.round) progress.round(stage, p);
    };
  };
  DatasetSlice first(data, 0, split.train_end), second(data, split.slice_begin, data.rows());
  BoosterOptions parameters = options.booster;
  if (options.search_trials > 0) {
    TRY_ASSIGN(SearchResult found,
               search_parameters(first, second, parameters,
                                 {options.search_trials, parameters.seed}, progress.trial));
    parameters = found.best;
  }
  TRY_ASSIGN(TrainedModel chosen, train_booster(first, &second, parameters, tell("choosing")));
  TRY_ASSIGN(auto slice, score_slice(data, split.slice_begin, chosen.model_json));
  FittedCalibration fitted = fit_calibration(slice, options.calibration);
  for (SlicePayment& payment : slice) payment.score = fitted.calibration.apply(payment.score);

  BoosterOptions whole = parameters;
  whole.trees = chosen.trees;
  whole.early_stopping_rounds = 0;
  whole.train_metric_every = 0;
  DatasetSlice all(data, 0, data.rows());
  TRY_ASSIGN(TrainedModel last, train_booster(all, nullptr, whole, tell("final")));

  Bundle bundle;
  bundle.calibration = fitted.calibration;
  bundle.thresholds = pick(slice, options);
  bundle.model_json = std::move(last.model_json);
  bundle.features_hash = features.hash();
  size_t step = data.rows() / kMedianRows + 1;
  for (size_t f = 0; f < data.columns(); ++f)
    bundle.features.push_back({features.specs()[f].name, median_of(data, f, step)});
  describe(bundle, data, parameters, chosen, fitted.kind);
  measure(bundle, slice, fitted, options);
  bundle.reference = reference_of(data, slice);
  return bundle;
}

}  // namespace paywarden
