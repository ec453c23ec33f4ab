// The notification center as one part of the program, over whichever log holds the decisions: what it remembers, alerts, the
// outbox with its channels, accounts, the page and its API.
//
//   TRY_ASSIGN(auto center, NotificationCenter::open(config, {clock, log, journal, labels, figures, figures, event_of_change}));
//   TRY(center->start(log_end));        // behind what fills the log, before the server
//   center->add_routes(router);         // with the page and what describes the API
//   center->stop_requests();            // behind the server
//   center->stop();                     // when nothing is decided any more
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/families.h"
#include "app/openapi.h"
#include "center/routes.h"
#include "log/log.h"
#include "notify/alerting.h"
#include "notify/log_follower.h"
#include "notify/outbox.h"

namespace paywarden {

struct NotificationCenterPorts {
  Clock& clock;
  OperatorLog& log;
  Log& records;  // payments with their decisions: what alerts are made of
  LabelSink& labels;
  StatsSource& stats;
  const StatusSource& status;
  // Reads a change record of the log; nothing where it concerns nobody here. May be empty.
  std::function<std::optional<SystemEvent>(std::string_view bytes)> event_of_change;
};

class NotificationCenter {
 public:
  static Result<std::unique_ptr<NotificationCenter>> open(const Config& config,
                                                          NotificationCenterPorts ports);
  ~NotificationCenter() { stop(); }

  // `log_end`: where the log ended when the process started.
  Status start(uint64_t log_end);
  void stop_requests();  // what waits for labels waits on
  void stop();

  // With the page, and the description of the routes that the program has.
  void add_routes(http::Router& router, ApiRoutes described = {});
  tl::expected<http::PrincipalPtr, http::Response> authorise(const http::Request& request,
                                                             std::string_view role) const {
    return center_->authorise(request, role);
  }
  // Any thread. That it could not be kept is said in the log.
  void notice(const SystemEvent& event);
  // The first record that is needed after a crash now. Any thread.
  uint64_t needed_from() const { return follower_->needed_from(); }
  uint64_t lag() const { return follower_->lag(); }
  uint64_t alerts_open() const;
  const std::optional<std::string>& first_password() const { return center_->first_password(); }
  Accounts& accounts() { return center_->accounts(); }
  void add_figures(Families& out) const;  // of the channels

 private:
  explicit NotificationCenter(const Config& config, NotificationCenterPorts ports)
      : config_(config), ports_(std::move(ports)) {}
  Status open_parts();
  Status open_channels();
  AlertingOptions alerting_options() const;

  const Config& config_;
  NotificationCenterPorts ports_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Alerting> alerting_;
  std::unique_ptr<LogFollower> follower_;
  std::unique_ptr<Dispatcher> dispatcher_;  // null: no channel
  std::unique_ptr<Center> center_;
};

}  // namespace paywarden
