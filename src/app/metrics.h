// What /metrics says, in Prometheus text format, read from the parts' own figures when asked.
//
//   MetricsText metrics({engine, server_stats, latency, ...});
//   std::string text = metrics.text();     // any thread
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "app/latency.h"
#include "archive/archiver.h"
#include "engine/engine.h"
#include "http/server.h"
#include "intake/rejects.h"
#include "log/journal.h"
#include "notify/log_follower.h"
#include "notify/outbox.h"

namespace paywarden {

struct MetricsSources {
  const Engine& engine;
  const Journal& journal;
  const Rejects& rejects;
  const LatencyHistogram& latency;           // of single payments over HTTP
  const LatencyHistogram& decision_latency;  // of all payments
  const LogFollower& follower;
  const Dispatcher* dispatcher;                      // null: no channel
  const Archiver* archiver;                          // null: no archive
  std::function<const http::ServerStats*()> server;  // null until it runs
  const std::atomic<uint64_t>& disk_free_bytes;
  const std::atomic<double>&
      disk_full_hours;  // at the rate of the last minutes; +infinity: not growing
};

class MetricsText {
 public:
  explicit MetricsText(MetricsSources sources) : sources_(std::move(sources)) {}
  std::string text() const;

 private:
  MetricsSources sources_;
};

}  // namespace paywarden
