// StreamService: HTTP, for those who watch it and those who send payments.
#include <algorithm>
#include <numeric>

#include "app/families.h"
#include "app/metrics.h"
#include "app/openapi.h"
#include "app/stream_service.h"

namespace paywarden {

// Decisions are looked up by the notification center, in its copy; without it in their topic or the archive. Changes are the
// configuration's: there is no route for them.
void StreamService::add_payment_api(http::Router& router) {
  requests_ = std::make_unique<Workers>(WorkersOptions{});
  PaymentApiOptions options;
  options.deadline = config_.api.deadline;
  options.default_outcome = config_.api.default_outcome;
  options.future_max = config_.future_max;
  options.labels_need_payment = !plan_.stages.empty();
  options.takes_payments = config_.kafka.http_payments;
  std::function<http::Response(const std::string&)> find_decision;
  if (center_) find_decision = [this](const std::string& id) { return center_->find_decision(id); };
  api_ = std::make_unique<PaymentApi>(PaymentApiPorts{*intake_,
                                                      config_.schema,
                                                      *tokeniser_,
                                                      clock_,
                                                      *rejects_,
                                                      *requests_,
                                                      request_latency_,
                                                      intake_closed_,
                                                      std::move(find_decision),
                                                      {}},
                                      options);
  api_->add_routes(router);
}

Status StreamService::start_server() {
  http::Router router;
  if (intake_) add_payment_api(router);
  add_routes(router);
  if (center_)
    center_->center().add_routes(router,
                                 {.payments = config_.kafka.http_payments, .changes = false});
  TRY_ASSIGN(server_, http::Server::create(config_.http, std::move(router),
                                           {clock_,
                                            log_,
                                            [this](const http::Request& q, std::string_view role) {
                                              return authorise(q, role);
                                            },
                                            {}}));
  return server_->start();
}

void StreamService::add_routes(http::Router& router) {
  using http::Method;
  using http::Reply;
  using http::RequestPtr;
  using http::Response;
  router.add(Method::get, "/healthz", http::kOpenToAll,
             [](RequestPtr, Reply reply) { reply(Response::text(200, "alive\n")); });
  router.add(Method::get, "/readyz", http::kOpenToAll, [this](RequestPtr, Reply reply) {
    bool ready = !intake_closed_ && !brokers_->away() && (!center_ || center_->has_room()) &&
                 std::all_of(workers_.begin(), workers_.end(),
                             [](const auto& worker) { return worker->figures().joined.load(); });
    reply(Response::text(
        ready ? 200 : 503,
        ready
            ? "ready\n"
            : "not ready: no broker answers, not in the consumer group yet, stopping, or the disk "
              "is nearly full\n"));
  });
  router.add(Method::get, "/metrics", "observer", [this](RequestPtr, Reply reply) {
    Response response = Response::text(200, metrics());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply(std::move(response));
  });
}

// Without the notification center by API key: there are no sessions.
tl::expected<http::PrincipalPtr, http::Response> StreamService::authorise(
    const http::Request& request, std::string_view role) const {
  if (center_) return center_->center().authorise(request, role);
  constexpr std::string_view kBearer = "Bearer ";
  std::string_view header = request.header("authorization");
  auto need = role_of(role);
  if (!header.starts_with(kBearer))
    return tl::unexpected(http::problem(401, "Not signed in", "Send an API key."));
  auto who = accounts_->by_key(header.substr(kBearer.size()));
  if (!who) return tl::unexpected(http::problem(401, "Not signed in", "The API key is not valid."));
  if (!need || !allows(who->role, *need))
    return tl::unexpected(
        http::problem(403, "Not allowed", "This needs the role " + std::string(role) + "."));
  auto principal = std::make_shared<http::Principal>();
  principal->name = who->name;
  principal->role = name_of(who->role);
  return principal;
}

void StreamService::add_standby_figures(Families& out) const {
  double partitions = 0, lag = 0, taken = 0;
  for (const auto& worker : workers_)
    if (const StandbyFigures* f = worker->standby()) {
      partitions += d(f->partitions);
      lag += static_cast<double>(f->lag.load());
      taken += d(f->taken);
    }
  out.gauge("paywarden_kafka_standby_partitions", "Partitions of others that are followed here.",
            partitions);
  out.gauge("paywarden_kafka_standby_lag_records",
            "Records that their owners have decided and that are not replayed here yet.", lag);
  out.counter("paywarden_kafka_standby_taken_total", "Takeovers with a state that was followed.",
              taken);
}

void StreamService::add_request_figures(Families& out) const {
  const TopicIntakeFigures& f = intake_->figures();
  out.counter("paywarden_kafka_sent_total", "Payments and labels from HTTP that went into a topic.",
              d(f.sent));
  out.counter("paywarden_kafka_replies_total", "Of these, outcomes that came back.", d(f.answered));
  out.counter("paywarden_kafka_repeats_found_total",
              "Repeated payments that were answered with their decision of before.", d(f.repeated));
  out.counter("paywarden_kafka_unanswered_total",
              "Of these, those whose outcome did not come back.", d(f.failed));
  out.counter("paywarden_default_answers_total",
              "Callers told the default outcome at the deadline.", d(f.answered_by_default));
  out.gauge("paywarden_queue_length", "Payments and labels that wait for their outcome.",
            d(intake_->queued()));
  LatencyCounts counts = request_latency_.counts();
  out.histogram("paywarden_latency_seconds", "From a payment's last byte to its answer.", counts,
                static_cast<double>(request_latency_.sum_us()) * 1e-6);
}

std::string StreamService::metrics() const {
  Families out;
  auto& outcomes = out.family("paywarden_decisions_total", "Decisions by outcome.",
                              prometheus::MetricType::Counter);
  for (Outcome outcome : {Outcome::approve, Outcome::review, Outcome::decline})
    Families::add(
        outcomes, "outcome", name_of(outcome),
        std::accumulate(workers_.begin(), workers_.end(), 0.0, [&](double n, const auto& w) {
          return n + d(w->figures().stage.outcomes[static_cast<size_t>(outcome)]);
        }));
  std::vector<const ShadowCounts*> shadows;
  for (const auto& worker : workers_) shadows.push_back(&worker->figures().stage.shadow);
  add_shadow(out, shadows);
  out.counter("paywarden_repeats_total", "Payments that were sent again with the same body.",
              d(sum(&StageFigures::repeats)));
  out.counter("paywarden_conflicts_total", "Payments whose id stands for another body.",
              d(sum(&StageFigures::conflicts)));
  out.counter("paywarden_rejected_total", "Records that did not become payments.",
              d(sum(&StageFigures::rejects)));
  out.counter("paywarden_labels_total", "Labels that found their payment.",
              d(sum(&StageFigures::labels)));
  out.counter("paywarden_labels_unknown_total", "Labels whose payment was unknown.",
              d(sum(&StageFigures::labels_waiting)));
  out.counter("paywarden_kafka_forwarded_total", "Payments handed on to the next stage.",
              d(sum(&StageFigures::forwarded)));
  out.counter("paywarden_kafka_replayed_total", "Records replayed to restore state.",
              d(sum(&StageFigures::replayed)));
  out.counter("paywarden_kafka_transactions_total", "Transactions committed.",
              d(sum(&StreamFigures::batches)));
  out.counter("paywarden_kafka_transactions_failed_total",
              "Attempts to commit whose end was unknown or bad.",
              d(sum(&StreamFigures::commits_failed)));
  out.counter("paywarden_kafka_restores_total", "Partitions taken over.",
              d(sum(&StreamFigures::restores)));
  out.counter("paywarden_snapshots_total", "Snapshots written.", d(sum(&StreamFigures::snapshots)));
  out.counter("paywarden_snapshots_failed_total", "Snapshots that could not be written.",
              d(sum(&StreamFigures::snapshots_failed)));
  out.gauge("paywarden_kafka_brokers_away", "1: no broker answers.", brokers_->away() ? 1 : 0);
  out.gauge("paywarden_kafka_partitions", "Partitions of this instance.",
            d(sum(&StreamFigures::partitions)));
  out.gauge("paywarden_kafka_lag_records", "Records that wait to be decided.",
            std::accumulate(workers_.begin(), workers_.end(), 0.0, [](double n, const auto& w) {
              return n + static_cast<double>(w->figures().lag.load());
            }));
  if (archive_) {
    KafkaArchive::Figures a = archive_->figures();
    out.counter("paywarden_archive_objects_total", "Objects stored.", d(a.objects));
    out.counter("paywarden_archive_records_total", "Decisions in stored objects.", d(a.records));
    out.counter("paywarden_archive_bytes_total", "Bytes of stored objects, compressed.",
                d(a.bytes));
    out.counter("paywarden_archive_failures_total", "Attempts to read, plan or store that failed.",
                d(a.failures));
    out.gauge("paywarden_archive_pending_records",
              "Durable records that are not in a stored object yet.", d(a.lag));
  }
  add_standby_figures(out);
  if (intake_) add_request_figures(out);
  if (center_) center_->add_figures(out);
  LatencyCounts counts = latency_.counts();
  out.histogram("paywarden_kafka_visible_seconds",
                "From a record's timestamp to its decision's commit.", counts,
                static_cast<double>(latency_.sum_us()) * 1e-6);
  return out.text();
}

}  // namespace paywarden
