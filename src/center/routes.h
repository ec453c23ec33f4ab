// The notification center's routes on the program's HTTP server, and the parts behind them, in one
// piece.
//
//   auto center = Center::create(store, options, ports);
//   if (center->first_password()) print_once(*center->first_password());
//   center->add_routes(router);
//   ServerPorts{..., .authorise = [&](auto& request, auto role) { return center->authorise(request,
//   role); }}; center->start();                   // before the server center->alerts_changed(ids);
//   // Alerting's on_change center->stop();                    // after the server has stopped
//   taking requests
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "center/api.h"
#include "center/workers.h"
#include "http/router.h"

namespace paywarden {

struct CenterOptions {
  AccountsOptions accounts;
  ApiOptions api;
  LiveOptions live;
  WorkersOptions workers;
  size_t body_bytes_max = 64 * 1024;  // of a request here: a note, a password
  Duration verdict_wait_max =
      seconds(10);  // for the labels to be durable; the verdict itself is kept by then
};

struct CenterPorts {
  Clock& clock;
  OperatorLog& log;
  LabelSink& labels;
  StatsSource& stats;
  const StatusSource& status;
  MaskText mask_text;
  std::function<void()> wake_dispatcher;  // a dead delivery was put back in line; may be empty
};

class Center {
 public:
  // On the first start also makes the user `admin`.
  static Result<std::unique_ptr<Center>> create(Store& store, const CenterOptions& options,
                                                CenterPorts ports);
  ~Center() { stop(); }

  const std::optional<std::string>& first_password() const { return first_password_; }
  Accounts& accounts() { return *accounts_; }
  void add_routes(http::Router& router);
  tl::expected<http::PrincipalPtr, http::Response> authorise(const http::Request& request,
                                                             std::string_view role) const {
    return api_.authorise(request, role);
  }
  void start();
  void stop();
  void alerts_changed(std::span<const int64_t> ids) { live_.changed(ids); }  // any thread

 private:
  using Answer = http::Response (Api::*)(const http::Request&) const;
  Center(Store& store, const CenterOptions& options, CenterPorts ports,
         std::unique_ptr<Accounts> accounts);
  void add(http::Router& router, http::Method method, std::string_view pattern, Role role,
           Answer answer);
  void add_session_routes(http::Router& router);
  void add_verdict_route(http::Router& router);
  void add_stream(http::Router& router);
  void run_or_refuse(const http::Reply& reply, Workers::Job job);

  const CenterOptions options_;
  CenterPorts ports_;
  std::unique_ptr<Accounts> accounts_;
  std::optional<std::string> first_password_;
  Workers workers_;
  Labelling labelling_;
  Live live_;
  Api api_;
};

}  // namespace paywarden
