#include "app/metrics.h"

#include <fmt/format.h>

#include "app/families.h"

namespace paywarden {
namespace {

void add_engine(Families& out, const Engine& engine) {
  const EngineFigures& f = engine.figures();
  auto& outcomes = out.family("paywarden_decisions_total", "Decisions by outcome.",
                              prometheus::MetricType::Counter);
  for (Outcome outcome : {Outcome::approve, Outcome::review, Outcome::decline})
    Families::add(outcomes, "outcome", name_of(outcome),
                  d(f.outcomes[static_cast<size_t>(outcome)]));
  out.counter("paywarden_repeats_total", "Payments that were sent again with the same body.",
              d(f.repeats));
  out.counter("paywarden_conflicts_total", "Payments whose id stands for another body.",
              d(f.conflicts));
  out.counter("paywarden_backfilled_total", "Payments of the history, kept and not decided.",
              d(f.recorded));
  out.counter("paywarden_late_total", "Decisions on payments older than lateness_max.", d(f.late));
  out.counter("paywarden_labels_total", "Labels that found their payment.", d(f.labels));
  out.counter("paywarden_labels_unknown_total", "Labels whose payment was unknown.",
              d(f.labels_waiting));
  out.counter("paywarden_changes_total", "Changes of model, rules, lists, mode.", d(f.changes));
  out.counter("paywarden_default_answers_total",
              "Callers told the default outcome at the deadline.", d(f.answered_by_default));
  out.counter("paywarden_log_groups_total", "Groups made durable.", d(f.groups));
  out.counter("paywarden_log_bytes_total", "Bytes of records made durable.", d(f.log_bytes));
  out.counter("paywarden_snapshots_total", "Snapshots written.", d(f.snapshots));
  out.counter("paywarden_snapshots_failed_total", "Snapshots that failed.", d(f.snapshots_failed));
  out.gauge("paywarden_queued", "Works waiting for the engine.", d(engine.queued()));
  out.gauge("paywarden_state_bytes", "Memory of window state and remembered ids.",
            d(f.state_bytes));
  out.gauge("paywarden_state_keys", "Keys with window state.", d(f.state_keys));
  out.gauge("paywarden_labels_waiting", "Labels that wait for their payment.", d(f.waiting_labels));
  out.gauge("paywarden_guard_engaged",
            "1: the decline guard turns the model's declines into reviews.",
            f.guard_engaged ? 1 : 0);
  add_shadow(out, {&f.shadow});
  out.gauge("paywarden_watermark_seconds", "Newest event time, seconds since 1970.",
            static_cast<double>(f.watermark_ms) / 1000);
  out.gauge("paywarden_log_failed", "1: the log failed and the program is ending.",
            engine.failed() ? 1 : 0);
}

void add_rejects(Families& out, const Rejects& rejects) {
  auto& family =
      out.family("paywarden_rejects_total", "Inputs that did not become payments, by reason.",
                 prometheus::MetricType::Counter);
  RejectCounts counts = rejects.counts();
  for (size_t i = 1; i < counts.size(); ++i)
    Families::add(family, "reason", name_of(static_cast<RejectReason>(i)), d(counts[i]));
}

void add_server(Families& out, const http::ServerStats& stats) {
  auto& responses = out.family("paywarden_http_responses_total", "HTTP answers by class.",
                               prometheus::MetricType::Counter);
  for (int c = 1; c <= 5; ++c)
    Families::add(responses, "class", std::to_string(c) + "xx", d(stats.responses_by_class[c]));
  out.gauge("paywarden_http_connections", "Open connections.", d(stats.connections_open));
  out.gauge("paywarden_http_requests_in_flight", "Requests not yet answered.",
            d(stats.requests_in_flight));
  out.counter("paywarden_http_overloaded_total", "Requests refused with 503.",
              d(stats.requests_overloaded));
  out.counter("paywarden_http_malformed_total", "Requests that are no HTTP.",
              d(stats.requests_malformed));
  out.counter("paywarden_http_connections_refused_total", "Connections beyond a limit.",
              d(stats.connections_refused));
}

void add_archive(Families& out, const Archiver& archiver) {
  const ArchiveFigures& f = archiver.figures();
  out.counter("paywarden_archive_objects_total", "Objects stored.", d(f.objects));
  out.counter("paywarden_archive_records_total", "Decisions in stored objects.", d(f.records));
  out.counter("paywarden_archive_bytes_total", "Bytes of stored objects, compressed.", d(f.bytes));
  out.counter("paywarden_archive_failures_total", "Attempts to read, plan or store that failed.",
              d(f.failures));
  out.gauge("paywarden_archive_failing", "1: the last attempt failed.", f.failing ? 1 : 0);
  out.gauge("paywarden_archive_pending_records",
            "Durable records that are not in a stored object yet.", d(archiver.pending()));
}

}  // namespace

void add_shadow(Families& out, const std::vector<const ShadowCounts*>& counts) {
  auto& family = out.family("paywarden_shadow_total",
                            "Decisions by outcome and the shadow model's: outcome/shadow's.",
                            prometheus::MetricType::Counter);
  constexpr Outcome kOutcomes[] = {Outcome::approve, Outcome::review, Outcome::decline};
  for (Outcome acted : kOutcomes)
    for (Outcome shadow : kOutcomes) {
      uint64_t n = 0;
      for (const ShadowCounts* c : counts) n += c->of(acted, shadow);
      Families::add(family, "outcomes", fmt::format("{}/{}", name_of(acted), name_of(shadow)),
                    d(n));
    }
}

void add_journal(Families& out, const Journal& journal) {
  out.gauge("paywarden_log_first_sequence", "Oldest record kept.", d(journal.first_sequence()));
  out.gauge("paywarden_log_end_sequence", "The sequence after the last durable record.",
            d(journal.durable_end()));
  out.gauge("paywarden_log_disk_bytes", "Bytes of the journal's segments.",
            d(journal.figures().bytes));
}

void add_consumer_lags(Families& out, const std::vector<ConsumerLag>& lags) {
  auto& family = out.family("paywarden_consumer_lag_records",
                            "Durable records that a consumer still has to read.",
                            prometheus::MetricType::Gauge);
  for (const ConsumerLag& lag : lags)
    Families::add(family, "consumer", lag.consumer, d(lag.records));
}

void add_disk(Families& out, const DiskWatch& disk) {
  out.gauge("paywarden_disk_free_bytes", "Free bytes where the data are.", d(disk.free_bytes()));
  out.gauge("paywarden_disk_full_hours", "Hours until the disk is full at the present rate.",
            disk.full_hours());
}

std::string MetricsText::text() const {
  Families out;
  add_engine(out, sources_.engine);
  add_rejects(out, sources_.rejects);
  out.histogram("paywarden_latency_seconds", "From a payment's last byte to its answer.",
                sources_.latency.counts(), d(sources_.latency.sum_us()) * 1e-6);
  out.histogram(
      "paywarden_decision_latency_seconds",
      "From a payment's arrival in the engine's queue to its durable decision, all sources.",
      sources_.decision_latency.counts(), d(sources_.decision_latency.sum_us()) * 1e-6);
  add_journal(out, sources_.journal);
  std::vector<ConsumerLag> lags = {{"notify", sources_.center.lag()}};
  if (sources_.archiver) lags.push_back({"archive", sources_.archiver->lag()});
  add_consumer_lags(out, lags);
  add_disk(out, sources_.disk);
  sources_.drift.add_figures(out);
  if (const http::ServerStats* stats = sources_.server()) add_server(out, *stats);
  sources_.center.add_figures(out);
  if (sources_.archiver) add_archive(out, *sources_.archiver);
  return out.text();
}

}  // namespace paywarden
