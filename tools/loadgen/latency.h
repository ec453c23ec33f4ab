// Keeps every latency, so that percentiles are exact, and sums them up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "load_generator.h"

namespace paywarden {

class LatencyRecorder {
 public:
  void add(int64_t ns) {
    int64_t us = std::clamp<int64_t>(ns / 1000, 0, std::numeric_limits<uint32_t>::max());
    us_.push_back(static_cast<uint32_t>(us));
  }
  void clear() { us_.clear(); }
  uint64_t count() const { return us_.size(); }
  // Sorts what was recorded. All zero when nothing was.
  LatencySummary summary() {
    std::sort(us_.begin(), us_.end());
    return {at(0.5), at(0.9), at(0.99), at(0.999), at(1)};
  }

 private:
  // The smallest latency that this share of all stays at or below (nearest rank).
  double at(double share) const {
    if (us_.empty()) return 0;
    double rank = share * static_cast<double>(us_.size());
    auto index = static_cast<size_t>(rank);
    if (static_cast<double>(index) == rank && index > 0) --index;
    return us_[index] / 1e3;
  }
  std::vector<uint32_t> us_;
};

}  // namespace paywarden
