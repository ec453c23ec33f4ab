#include "center/routes.h"

namespace paywarden {

using http::Method;
using http::Reply;
using http::RequestPtr;
using http::Response;

Result<std::unique_ptr<Center>> Center::create(Store& store, const CenterOptions& options,
                                               CenterPorts ports) {
  TRY_ASSIGN(auto accounts, Accounts::open(store.database(), options.accounts, ports.clock));
  TRY_ASSIGN(auto password, accounts->ensure_admin());
  std::unique_ptr<Center> center(new Center(store, options, std::move(ports), std::move(accounts)));
  center->first_password_ = std::move(password);
  return center;
}

Center::Center(Store& store, const CenterOptions& options, CenterPorts ports,
               std::unique_ptr<Accounts> accounts)
    : options_(options),
      ports_(std::move(ports)),
      accounts_(std::move(accounts)),
      workers_(options.workers),
      labelling_(store, ports_.labels, workers_, ports_.log),
      live_(store, *accounts_, ports_.stats, options.live, ports_.clock, ports_.log),
      api_(store, *accounts_, labelling_, live_, ports_.status, ports_.mask_text, ports_.clock,
           options.api) {}

void Center::start() {
  live_.start([this] { labelling_.repeat(); });
}

void Center::stop() {
  live_.stop();
  workers_.stop();
}

void Center::add_routes(http::Router& router) {
  add_session_routes(router);
  add_verdict_route(router);
  add_stream(router);
  add(router, Method::get, "/api/me", Role::analyst, &Api::me);
  add(router, Method::get, "/api/alerts", Role::analyst, &Api::alerts);
  add(router, Method::get, "/api/alerts/{id}", Role::analyst, &Api::alert);
  add(router, Method::get, "/api/stats", Role::analyst, &Api::stats);
  add(router, Method::get, "/api/deliveries", Role::analyst, &Api::deliveries);
  add(router, Method::get, "/api/status", Role::analyst, &Api::status);
  router.add(Method::post, "/api/deliveries/{id}/retry", name_of(Role::admin),
             [this](RequestPtr request, Reply reply) {
               run_or_refuse(reply, [this, request, reply] {
                 reply(api_.retry(*request));
                 if (ports_.wake_dispatcher) ports_.wake_dispatcher();
               });
             },
             {.body_bytes_max = options_.body_bytes_max});
}

void Center::add(http::Router& router, Method method, std::string_view pattern, Role role,
                 Answer answer) {
  router.add(method, pattern, name_of(role),
             [this, answer](RequestPtr request, Reply reply) {
               run_or_refuse(reply,
                             [this, answer, request, reply] { reply((api_.*answer)(*request)); });
             },
             {.body_bytes_max = options_.body_bytes_max});
}

void Center::add_session_routes(http::Router& router) {
  router.add(Method::post, "/api/session", http::kOpenToAll,
             [this](RequestPtr request, Reply reply) {
               api_.sign_in(*request, [reply](Response response) { reply(std::move(response)); });
             },
             {.body_bytes_max = options_.body_bytes_max});
  add(router, Method::del, "/api/session", Role::analyst, &Api::sign_out);
}

void Center::add_verdict_route(http::Router& router) {
  router.add(Method::post, "/api/alerts/{id}/verdict", name_of(Role::analyst),
             [this](RequestPtr request, Reply reply) {
               reply.expires(options_.verdict_wait_max, [] {
                 return http::problem(
                     504, "The labels are not stored yet",
                     "The verdict is kept; its labels are written as soon as the log takes them.");
               });
               run_or_refuse(reply, [this, request, reply] {
                 api_.give_verdict(*request,
                                   [reply](Response response) { reply(std::move(response)); });
               });
             },
             {.body_bytes_max = options_.body_bytes_max});
}

void Center::add_stream(http::Router& router) {
  router.add_events(
      "/api/stream", name_of(Role::analyst), [this](RequestPtr request, http::EventStream stream) {
        const auto& caller = static_cast<const Caller&>(*request->principal);
        // The stream ends with the last copy of what sends to it.
        std::shared_ptr<http::EventStream> owner(new http::EventStream(stream),
                                                 [](http::EventStream* last) {
                                                   last->close();
                                                   delete last;
                                                 });
        live_.join(caller.who, [owner](std::string_view data, std::string_view event) {
          return owner->send(data, event);
        });
      });
}

void Center::run_or_refuse(const Reply& reply, Workers::Job job) {
  if (workers_.try_run(std::move(job))) return;
  reply(http::problem(503, "Too many requests at once", "Try again in a moment.")
            .with("Retry-After", "1"));
}

}  // namespace paywarden
