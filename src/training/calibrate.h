// Fits the map from the forest's scores to probabilities on payments that it was not trained on.
//
//   FittedCalibration fitted = fit_calibration(later, CalibrationKind::automatic);
//   fitted.calibration.apply(score);
//   fitted.brier, fitted.brier_before     // on payments that the map was not fitted on
//
// Platt scaling: a logistic curve over the score's log-odds (Platt 1999, with his corrected targets), two numbers, for few frauds.
// Isotonic: pool adjacent violators (Ayer et al. 1955), with straight lines between the blocks. Both ascend strictly from (0, 0) to
// (1, 1), so that the order of payments stays. What is not better than the scores as they are is not used: judged by the log loss over
// five runs of time, each by a map that was fitted on the other four.
#pragma once

#include <vector>

#include "forest/calibration.h"
#include "training/thresholds.h"

namespace paywarden {

enum class CalibrationKind { none, platt, isotonic, automatic };
const char* name_of(CalibrationKind kind);

struct FittedCalibration {
  CalibrationKind kind = CalibrationKind::none;  // what was chosen
  Calibration calibration;
  double brier = 0, brier_before = 0;        // mean squared error, cross-fitted (Brier 1950)
  double log_loss = 0, log_loss_before = 0;  // natural logarithm, cross-fitted
};

// `payments` in the order of time. Without frauds, or without anything else, nothing is fitted.
FittedCalibration fit_calibration(const std::vector<SlicePayment>& payments, CalibrationKind kind);

}  // namespace paywarden
