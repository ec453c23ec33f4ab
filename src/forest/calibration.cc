#include "forest/calibration.h"

#include <fmt/format.h>

namespace paywarden {
namespace {

bool is_probability(float x) {
  return x >= 0.0f && x <= 1.0f;
}

}  // namespace

Result<Calibration> Calibration::from(std::vector<Point> points) {
  for (size_t i = 0; i < points.size(); ++i) {
    auto [raw, calibrated] = points[i];
    if (!is_probability(raw) || !is_probability(calibrated))
      return fail(
          fmt::format("calibration point {} ({}, {}) is not within 0 to 1", i, raw, calibrated));
    if (i > 0 && !(points[i - 1].raw < raw && points[i - 1].calibrated <= calibrated))
      return fail(fmt::format("calibration point {} ({}, {}) does not ascend", i, raw, calibrated));
  }
  Calibration calibration;
  calibration.points_ = std::move(points);
  return calibration;
}

float Calibration::apply(float raw) const {
  if (points_.empty()) return raw;
  // The first point above `raw`, by halving without branches: scores are hard to foretell.
  size_t above = 0;
  for (size_t left = points_.size(); left > 0;) {
    size_t half = (left + 1) / 2;
    above += half * !(raw < points_[above + half - 1].raw);
    left -= half;
  }
  if (above == 0) return points_.front().calibrated;
  if (above == points_.size()) return points_.back().calibrated;
  const Point &low = points_[above - 1], &high = points_[above];
  double share = (double{raw} - low.raw) / (double{high.raw} - low.raw);
  return static_cast<float>(low.calibrated + share * (double{high.calibrated} - low.calibrated));
}

}  // namespace paywarden
