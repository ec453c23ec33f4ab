// A monotone map from the forest's probability to a calibrated one: straight lines between points,
// constant outside of them.
//
//   TRY_ASSIGN(Calibration calibration, Calibration::from({{0.1f, 0.01f}, {0.8f, 0.6f}}));
//   float calibrated = calibration.apply(0.45f);   // 0.305, the same bits on every machine
//   Calibration().apply(x) == x                    // no points: nothing changes
//   raw strictly ascending, calibrated never descending, all from 0 to 1: anything else is refused
#pragma once

#include <vector>

#include "base/result.h"

namespace paywarden {

class Calibration {
 public:
  struct Point {
    float raw;
    float calibrated;
  };
  static Result<Calibration> from(std::vector<Point> points);

  // Monotone; any thread.
  float apply(float raw) const;
  const std::vector<Point>& points() const { return points_; }

 private:
  std::vector<Point> points_;
};

}  // namespace paywarden
