// Service: routes, the page, the server.
#include "app/find_decision.h"
#include "app/service.h"

namespace paywarden {

void Service::add_routes(http::Router& router) {
  using http::Method;
  using http::Reply;
  using http::RequestPtr;
  using http::Response;
  api_->add_routes(router);
  center_->add_routes(router);
  router.add(Method::get, "/healthz", http::kOpenToAll,
             [](RequestPtr, Reply reply) { reply(Response::text(200, "alive\n")); });
  router.add(Method::get, "/readyz", http::kOpenToAll, [this](RequestPtr, Reply reply) {
    bool ready = ready_ && !intake_closed_ && !engine_->failed();
    reply(Response::text(
        ready ? 200 : 503,
        ready ? "ready\n" : "not ready: starting, stopping, or the disk is nearly full\n"));
  });
  router.add(Method::get, "/metrics", "observer", [this](RequestPtr, Reply reply) {
    Response response = Response::text(200, metrics_->text());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply(std::move(response));
  });
}

Status Service::start_server() {
  workers_ = std::make_unique<Workers>(WorkersOptions{});
  PaymentApiPorts ports{
      *engine_,
      config_.schema,
      *tokeniser_,
      clock_,
      *rejects_,
      *workers_,
      latency_,
      intake_closed_,
      [this](const std::string& id) { return find_decision(*journal_, config_.schema.fields, id); },
      [this](const std::string& directory) -> Result<std::string> {
        TRY_ASSIGN(auto model, models_->add(directory));
        return model->content_hash();
      }};
  PaymentApiOptions options;
  options.deadline = config_.api.deadline;
  options.default_outcome = config_.api.default_outcome;
  options.future_max = config_.future_max;
  api_ = std::make_unique<PaymentApi>(std::move(ports), options);
  metrics_ = std::make_unique<MetricsText>(MetricsSources{
      *engine_, *journal_, *rejects_, latency_, decision_latency_, *center_, archiver_.get(),
      [this]() -> const http::ServerStats* { return server_ ? &server_->stats() : nullptr; }, disk_,
      *drift_});
  http::Router router;
  add_routes(router);
  http::ServerPorts server_ports{
      clock_,
      log_,
      [this](const http::Request& q, std::string_view role) { return center_->authorise(q, role); },
      {}};
  TRY_ASSIGN(server_,
             http::Server::create(config_.http, std::move(router), std::move(server_ports)));
  return server_->start();
}

}  // namespace paywarden
