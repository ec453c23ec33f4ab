// From a dataset to a model bundle: the number of trees and the thresholds are picked on a later slice of time that the first
// model has not seen (with the label delay as a gap before it), then the model is trained again on everything.
//
//   TRY_ASSIGN(Bundle bundle, train_bundle(data, features, options, progress));
//   TRY(save_bundle("models/cards", bundle));
#pragma once

#include <functional>
#include <string>

#include "features/feature.h"
#include "forest/bundle.h"
#include "training/booster.h"
#include "training/calibrate.h"
#include "training/dataset.h"
#include "training/search.h"

namespace paywarden {

enum class ThresholdGoal { precision, alerts, cost };

struct TrainingOptions {
  BoosterOptions booster;
  uint32_t search_trials = 0;  // 0: the booster's options as they are
  CalibrationKind calibration = CalibrationKind::automatic;
  Duration
      warm_up;  // of the history: payments that only warm the state; 0: every payment is trained on
  double slice =
      0.15;  // share of the time span, at its end, that rounds and thresholds are picked on
  ThresholdGoal thresholds = ThresholdGoal::precision;  // which of the following
  double decline_precision = 0.9;  // at least this share of declines are frauds, on the slice
  double review_precision = 0.3;   // and of all alerts
  AlertGoal alerts;                // on the slice's worst day
  CostGoal cost;                   // least, over the slice
};

struct TrainingProgress {
  // `stage`: "choosing" or "final".
  std::function<void(std::string_view stage, const BoosterProgress&)> round;
  std::function<void(const SearchTrial&)> trial;
};

Result<Bundle> train_bundle(const Dataset& data, const FeatureSet& features,
                            const TrainingOptions& options, const TrainingProgress& progress = {});

}  // namespace paywarden
