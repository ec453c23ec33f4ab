// What the notification center asks of the rest of the program (center/ports.h), answered by the engine.
#pragma once

#include <memory>
#include <mutex>

#include "app/latency.h"
#include "app/service.h"
#include "center/ports.h"

namespace paywarden {

// Verdicts become labels in the log.
class Service::Labels : public LabelSink {
 public:
  explicit Labels(Engine& engine) : engine_(engine) {}
  void label(std::vector<Label> labels, std::function<void(Status)> done) override;

 private:
  Engine& engine_;
};

class Service::Figures : public StatsSource, public StatusSource {
 public:
  Figures(const Engine& engine, const Journal& journal, const LatencyHistogram& latency,
          Clock& clock)
      : engine_(engine), journal_(journal), latency_(latency), clock_(clock) {}
  StatsNow now() override;
  std::array<uint64_t, 50> scores() const override;
  uint64_t decided() const override { return engine_.figures().payments.load(); }
  StatusReport report() const override;

 private:
  const Engine& engine_;
  const Journal& journal_;
  const LatencyHistogram& latency_;
  Clock& clock_;
  LatencyCounts latency_before_;
  std::array<uint64_t, 3> outcomes_before_{};
  std::chrono::steady_clock::time_point asked_{};
};

}  // namespace paywarden
