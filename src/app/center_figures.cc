#include "app/center_figures.h"

#include <algorithm>

namespace paywarden {

StatsNow CenterFigures::now() {
  StatsNow out;
  out.time = sources_.clock.now();
  auto asked = std::chrono::steady_clock::now();
  double seconds = std::chrono::duration<double>(asked - asked_).count();
  asked_ = asked;
  LatencyCounts latency = sources_.latency.counts(), recent = latency - latency_before_;
  latency_before_ = latency;
  out.latency_us_p50 = static_cast<int64_t>(recent.quantile(0.5));
  out.latency_us_p99 = static_cast<int64_t>(recent.quantile(0.99));
  out.latency_us_p999 = static_cast<int64_t>(recent.quantile(0.999));
  std::array<int64_t, 3> since{};
  for (size_t i = 0; i < 3; ++i) {
    uint64_t n = sources_.outcomes[i].load();
    since[i] = static_cast<int64_t>(n - outcomes_before_[i]);
    outcomes_before_[i] = n;
  }
  out.approve = since[0];
  out.review = since[1];
  out.decline = since[2];
  out.per_second = static_cast<double>(since[0] + since[1] + since[2]) / std::max(seconds, 0.001);
  if (seconds > 60) out.per_second = 0;  // the first look: since nobody knows when
  out.queued = static_cast<int64_t>(sources_.queued());
  return out;
}

std::array<uint64_t, 50> CenterFigures::scores() const {
  std::array<uint64_t, 50> out{};
  for (size_t i = 0; i < out.size(); ++i) out[i] = sources_.scores[i].load();
  return out;
}

StatusReport CenterFigures::report() const {
  StatusReport report = sources_.report();
  report.version = PAYWARDEN_VERSION;
  return report;
}

}  // namespace paywarden
