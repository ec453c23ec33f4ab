// The consumer of the log that makes alerts: each record counts in the tables exactly once, whatever
// crashes.
//
//   Alerting alerting(store, fields, options, {clock, log, on_change});
//   uint64_t next = *alerting.start();                     // read the log from here
//   TRY(alerting.apply(records));                          // one transaction: alerts, outbox rows, the cursor
//   TRY(alerting.notice({.subject = "disk", ...}));        // what is no payment; any thread
//
// `start` and `apply` belong to one thread. After a failed `apply` nothing of it is in the tables:
// call it again with the same records, or `start` anew.
//
// Rules. A decision of review or decline (in observe mode: what it would have been) is a suspicion.
// It joins the newest open alert of its card when its event time is at most `group_within` outside
// that alert's own span, else it opens one. An alert that was closed does not grow. Backfilled
// payments are history: they show among a card's recent payments and never alert. A channel is told
// of a new alert, and again only when the alert becomes more severe; further payments at the same
// severity make it grow in silence.
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/operator_log.h"
#include "log/record.h"
#include "notify/alerting_options.h"
#include "notify/store.h"
#include "payment/fields.h"
#include "payment/payment.h"

namespace paywarden {

class AlertWriter;

struct AlertingPorts {
  Clock& clock;
  OperatorLog& log;
  // Alerts that are new or changed, after their transaction; on the thread that changed them, must
  // not block.
  std::function<void(std::span<const int64_t> ids)> on_change;
  // Reads a change record of the log; nothing where it concerns nobody here. May be empty.
  std::function<std::optional<SystemEvent>(std::string_view bytes)> event_of_change;
};

class Alerting {
 public:
  Alerting(Store& store, const FieldTable& fields, AlertingOptions options, AlertingPorts ports);
  ~Alerting();

  // Reads the cursor; the log is to be read from the answer on. Records from there to the cursor
  // were applied already: they bring back the payments that still wait for their decision, and the
  // cards' recent payments that a crash took. A cursor beyond `log_end` (the log was cut) is set back to it.
  Result<uint64_t> start(uint64_t log_end = std::numeric_limits<uint64_t>::max());
  // Records in the order of the log, none left out; some thousands are sensible. A transaction only where an alert
  // changes, or the cursor was not noted for long.
  Status apply(std::span<const RecordView> records);
  Status notice(const SystemEvent& event);
  uint64_t applied_to() const { return applied_to_; }
  // What start() would need of the log after a crash: records from here on. Any thread.
  uint64_t needed_from() const { return needed_from_.load(std::memory_order_relaxed); }

 private:
  struct Batch;
  Status set_back(uint64_t log_end);
  uint64_t recent_from() const;
  void read(Batch& batch);
  void take_payment(Batch& batch, size_t place);
  void take_decision(Batch& batch, size_t place);
  bool is_due(const Batch& batch) const;
  Result<std::vector<int64_t>> write(Batch& batch);
  void alert(const Batch& batch, AlertWriter& alerts, size_t place);
  void settle(Batch& batch, uint64_t sequence) const;
  uint64_t resume_from(const Batch& batch) const;
  void keep_undecided(const Batch& batch);
  std::string_view payment_bytes(const Batch& batch, uint64_t sequence) const;
  void complain(std::string_view event, uint64_t sequence);

  Store& store_;
  const FieldTable& fields_;
  const AlertingOptions options_;
  AlertingPorts ports_;
  std::string instance_;  // random name of this store: message ids of two installations never meet
  uint64_t applied_to_ = 0;
  uint64_t noted_to_ = 0;  // applied_to_ as it stands in the store
  std::atomic<uint64_t> needed_from_{0};
  std::map<uint64_t, std::string> undecided_;  // payments (encoded) whose decision has not come
  Payment payment_;
};

}  // namespace paywarden
