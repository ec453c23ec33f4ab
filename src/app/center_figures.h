// What the page shows of the decisions (center/ports.h), from counters of whoever makes or reads them.
//
//   CenterFigures figures({f.outcomes, f.scores, f.payments, latency, queued, report, clock});
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>

#include "app/latency.h"
#include "base/clock.h"
#include "center/ports.h"

namespace paywarden {

struct CenterFiguresSources {
  const std::array<std::atomic<uint64_t>, 3>& outcomes;  // decisions by Outcome
  const std::array<std::atomic<uint64_t>, 50>& scores;   // by score, in fiftieths
  const std::atomic<uint64_t>& decided;
  const LatencyHistogram& latency;
  std::function<uint64_t()> queued;
  std::function<StatusReport()> report;  // but for the version
  Clock& clock;
};

class CenterFigures : public StatsSource, public StatusSource {
 public:
  explicit CenterFigures(CenterFiguresSources sources) : sources_(std::move(sources)) {}
  StatsNow now() override;
  std::array<uint64_t, 50> scores() const override;
  uint64_t decided() const override { return sources_.decided.load(); }
  StatusReport report() const override;

 private:
  const CenterFiguresSources sources_;
  LatencyCounts latency_before_;
  std::array<uint64_t, 3> outcomes_before_{};
  std::chrono::steady_clock::time_point asked_{};
};

}  // namespace paywarden
