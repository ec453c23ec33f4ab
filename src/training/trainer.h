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
#include "training/dataset.h"

namespace paywarden {

struct TrainingOptions {
  BoosterOptions booster;
  Duration
      warm_up;  // of the history: payments that only warm the state; 0: every payment is trained on
  double slice =
      0.15;  // share of the time span, at its end, that rounds and thresholds are picked on
  double decline_precision = 0.9;  // at least this share of declines are frauds, on the slice
  double review_precision = 0.3;   // and of all alerts
  uint32_t alerts_a_day =
      0;  // 0: by the precisions above; else at most so many reviews and declines on the worst day
  uint32_t declines_a_day = 0;  // of them declines
};

// `stage`: "choosing" or "final".
using TrainingProgress = std::function<void(std::string_view stage, const BoosterProgress&)>;

Result<Bundle> train_bundle(const Dataset& data, const FeatureSet& features,
                            const TrainingOptions& options, const TrainingProgress& progress = {});

}  // namespace paywarden
