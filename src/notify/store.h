// What the notification center remembers: alerts, verdicts, the outbox, and where its reading of
// the log stands.
//
//   auto store = Store::open({.path = "center.db"});
//   AlertPage page = *store->alerts({.state = AlertState::open, .limit = 50});
//   auto verdict = store->give_verdict({.alert_id = 12, .verdict = AlertState::confirmed, .user =
//   "maria", .at = now}); for (const Delivery& row : *store->due("email", now, 10)) ...
//
// Any thread; each call is one transaction, durable when it returns. Alerts are made by Alerting
// alone.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "notify/alert.h"
#include "notify/recent_payments.h"
#include "notify/store_options.h"

namespace paywarden {

class Database;

struct AlertQuery {
  std::optional<AlertState> state = {};  // nothing: all
  int limit = 50;
  int64_t before = 0;  // only alerts with an id below this; 0: from the newest
};

struct AlertPage {
  std::vector<AlertSummary> alerts;  // newest first
  std::optional<int64_t> next;       // `before` of the next page
  AlertCounts counts;
};

struct VerdictGiven {
  int64_t alert_id = 0;
  AlertState verdict = AlertState::confirmed;  // never open
  std::string user = {};
  EventTime at = {};
  std::string note = {};
};

// A verdict whose labels are still to be written to the log.
struct UnlabelledVerdict {
  int64_t alert_id = 0;
  int64_t number = 0;  // which of the alert's verdicts; only its last is ever labelled
  Verdict verdict;
  std::vector<std::string> payment_ids;
};

class Store {
 public:
  static Result<std::unique_ptr<Store>> open(const StoreOptions& options);
  ~Store();
  const StoreOptions& options() const { return options_; }
  Database& database() { return *database_; }
  // The cards' recent payments, in the folder `recent` beside the file. For the one process that reads the log: only
  // there alerts show them.
  Status open_recent();
  RecentPayments* recent() { return recent_.get(); }

  Result<AlertPage> alerts(const AlertQuery& query) const;
  Result<std::vector<AlertSummary>> summaries(std::span<const int64_t> ids) const;
  Result<std::optional<Alert>> alert(int64_t id) const;
  Result<AlertCounts> counts() const;

  // Closes the alert, or changes how it was closed. The same verdict again by the same user with
  // the same note changes nothing. Nothing: no such alert. Guard and system alerts are closed
  // without labels.
  Result<std::optional<UnlabelledVerdict>> give_verdict(const VerdictGiven& given);
  Status labels_stored(int64_t alert_id, int64_t number);
  // The alert's last verdict, if its labels are still to be stored.
  Result<std::optional<UnlabelledVerdict>> unlabelled_of(int64_t alert_id) const;
  // Verdicts whose labels did not reach the log before a crash or a fault, oldest first.
  Result<std::vector<UnlabelledVerdict>> unlabelled(int limit) const;

  // Rows that wait for `channel` and are due, oldest first.
  Result<std::vector<Delivery>> due(const std::string& channel, EventTime now, int limit) const;
  Status delivered(int64_t id);
  Status postpone(int64_t id, EventTime next_attempt, const std::string& error);
  Status bury(int64_t id, const std::string& error);
  // Puts a dead delivery back in line under its old message id; false: no such delivery, or not
  // dead.
  Result<bool> retry(int64_t id, EventTime now);
  Result<std::vector<Delivery>> deliveries(std::optional<DeliveryState> state, int limit) const;
  Status forget_delivered(EventTime queued_before);

  Result<std::optional<std::string>> setting(const std::string& name) const;
  Status set_setting(const std::string& name, const std::string& value);

 private:
  Store(StoreOptions options, std::unique_ptr<Database> database);
  StoreOptions options_;
  std::unique_ptr<Database> database_;
  PosixFiles files_;
  std::unique_ptr<RecentPayments> recent_;
};

}  // namespace paywarden
