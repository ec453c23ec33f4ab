// What /metrics says, in Prometheus text format, read from the parts' own figures when asked.
//
//   MetricsText metrics({engine, server_stats, latency, ...});
//   std::string text = metrics.text();     // any thread
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/disk_watch.h"
#include "app/drift_watch.h"
#include "app/latency.h"
#include "app/notification_center.h"
#include "archive/archiver.h"
#include "engine/engine.h"
#include "http/server.h"
#include "intake/rejects.h"
#include "log/journal.h"

namespace paywarden {

struct MetricsSources {
  const Engine& engine;
  const Journal& journal;
  const Rejects& rejects;
  const LatencyHistogram& latency;           // of single payments over HTTP
  const LatencyHistogram& decision_latency;  // of all payments
  const NotificationCenter& center;
  const Archiver* archiver;                          // null: no archive
  std::function<const http::ServerStats*()> server;  // null until it runs
  const DiskWatch& disk;
  const DriftWatch& drift;
};

// Parts that other programs have too.
struct ConsumerLag {
  std::string consumer;
  uint64_t records;
};
void add_journal(Families& out, const Journal& journal);
void add_shadow(Families& out, const std::vector<const ShadowCounts*>& counts);
void add_consumer_lags(Families& out, const std::vector<ConsumerLag>& lags);
void add_disk(Families& out, const DiskWatch& disk);

class MetricsText {
 public:
  explicit MetricsText(MetricsSources sources) : sources_(std::move(sources)) {}
  std::string text() const;

 private:
  MetricsSources sources_;
};

}  // namespace paywarden
