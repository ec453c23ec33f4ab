// A curve of any number of points kept in few: a point is kept when it lies far enough from the
// last one, and "far" doubles when there are too many.
//
//   CurveSampler roc(1'000, XScale::logarithmic);
//   for (...) roc.add({false_alarm_share, recall, score});
//   std::vector<CurvePoint> points = roc.take();   // first and last are always there
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace paywarden {

struct CurvePoint {
  double x = 0;
  double y = 0;
  double score = 0;  // the threshold that gives it
};

// How x will be drawn: what is far apart on paper is so on that axis.
enum class XScale : uint8_t { linear, logarithmic };

class CurveSampler {
 public:
  // y, and x where it is linear, are shares of the plot's height and width. At least 4 points.
  CurveSampler(size_t most, XScale scale) : most_(most), scale_(scale) {}

  void add(const CurvePoint& point) {
    last_ = point;
    if (!points_.empty() && near(points_.back(), point)) return;
    points_.push_back(point);
    if (points_.size() >= most_) thin();
  }
  std::vector<CurvePoint> take() {
    if (last_ && (points_.back().x != last_->x || points_.back().y != last_->y)) {
      if (points_.size() + 1 >= most_) points_.pop_back();
      points_.push_back(*last_);
    }
    last_.reset();
    return std::exchange(points_, {});
  }

 private:
  bool near(const CurvePoint& a, const CurvePoint& b) const {
    return std::abs(place(a.x) - place(b.x)) < distance_ && std::abs(a.y - b.y) < distance_;
  }
  double place(double x) const {
    constexpr double kDecades = 6;  // about what such an axis spans
    return scale_ == XScale::linear ? x : std::log10(std::max(x, 1e-9)) / kDecades;
  }
  void thin() {
    distance_ *= 2;
    std::vector<CurvePoint> kept;
    for (const CurvePoint& point : points_)
      if (kept.empty() || !near(kept.back(), point)) kept.push_back(point);
    // A curve that jumps about leaves too many all the same.
    if (kept.size() > most_ / 2)
      for (size_t i = 1; i < kept.size(); ++i) kept.erase(kept.begin() + static_cast<ptrdiff_t>(i));
    points_ = std::move(kept);
  }

  const size_t most_;
  const XScale scale_;
  double distance_ = 1.0 / 800;  // half a pixel of a plot 400 wide
  std::vector<CurvePoint> points_;
  std::optional<CurvePoint> last_;
};

}  // namespace paywarden
