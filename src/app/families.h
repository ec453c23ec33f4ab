// Metrics in the making, for the text that /metrics answers (Prometheus text format 0.0.4).
//
//   Families out;
//   out.counter("paywarden_repeats_total", "Payments that were sent again.", 7);
//   std::string text = out.text();
#pragma once

#include <prometheus/text_serializer.h>

#include <string>
#include <string_view>
#include <vector>

#include "app/latency.h"

namespace paywarden {

class Families {
 public:
  void counter(std::string name, std::string help, double value) {
    one(std::move(name), std::move(help), prometheus::MetricType::Counter, value);
  }
  void gauge(std::string name, std::string help, double value) {
    one(std::move(name), std::move(help), prometheus::MetricType::Gauge, value);
  }
  // One family, a value a label.
  prometheus::MetricFamily& family(std::string name, std::string help,
                                   prometheus::MetricType type) {
    families_.push_back({std::move(name), std::move(help), type, {}});
    return families_.back();
  }
  static void add(prometheus::MetricFamily& family, std::string label,
                  std::string_view value_of_label, double value) {
    prometheus::ClientMetric metric;
    metric.label.push_back({std::move(label), std::string(value_of_label)});
    (family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) =
        value;
    family.metric.push_back(std::move(metric));
  }
  void histogram(std::string name, std::string help, const LatencyCounts& counts, double sum) {
    prometheus::ClientMetric metric;
    uint64_t below = 0;
    size_t bin = 0;
    for (uint64_t edge : {250, 500, 1000, 2000, 5000, 10'000, 20'000, 50'000, 100'000, 250'000,
                          500'000, 1'000'000}) {
      for (; bin < LatencyCounts::kBins && LatencyCounts::upper_edge(bin) <= edge; ++bin)
        below += counts.bins[bin];
      metric.histogram.bucket.push_back({below, static_cast<double>(edge) * 1e-6});
    }
    metric.histogram.sample_count = counts.total();
    metric.histogram.sample_sum = sum;
    family(std::move(name), std::move(help), prometheus::MetricType::Histogram)
        .metric.push_back(std::move(metric));
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  void one(std::string name, std::string help, prometheus::MetricType type, double value) {
    prometheus::ClientMetric metric;
    (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family(std::move(name), std::move(help), type).metric.push_back(std::move(metric));
  }
  std::vector<prometheus::MetricFamily> families_;
};

inline double d(uint64_t n) {
  return static_cast<double>(n);
}

}  // namespace paywarden
