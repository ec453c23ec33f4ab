#include "forest/calibration.h"

#include <fmt/format.h>

#include <algorithm>

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
  auto above = std::upper_bound(points_.begin(), points_.end(), raw,
                                [](float x, const Point& p) { return x < p.raw; });
  if (above == points_.begin()) return above->calibrated;
  if (above == points_.end()) return points_.back().calibrated;
  const Point &low = above[-1], &high = above[0];
  double share = (double{raw} - low.raw) / (double{high.raw} - low.raw);
  return static_cast<float>(low.calibrated + share * (double{high.calibrated} - low.calibrated));
}

}  // namespace paywarden
