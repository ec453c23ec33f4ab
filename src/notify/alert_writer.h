// Alerts as one batch of the log changes them: looked up once each, changed in memory, written at
// the batch's end. Lives for one transaction. Only for .cc files of this folder.
//
//   AlertWriter writer(sql, options, instance);
//   writer.suspicious({...});          // any number of payments and events
//   writer.flush(now);                 // alerts, their payments, outbox rows
//   writer.changed();                  // ids, new or changed
#pragma once

#include <soci/soci.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "notify/alerting_options.h"
#include "notify/store_rows.h"
#include "payment/payment.h"

namespace paywarden {

// A payment with its decision, as a card's alert takes it.
struct Suspicion {
  uint64_t sequence = 0;
  const Payment& payment;
  const FieldTable& fields;
  Outcome outcome = Outcome::review;  // what it is, or in observe mode would be
  bool observed = false;
  float score = 0;
  std::string_view decision;  // JSON
};

class AlertWriter {
 public:
  AlertWriter(soci::session& sql, const AlertingOptions& options, const std::string& instance);
  void suspicious(const Suspicion& suspicion);
  void happened(const SystemEvent& event);
  void flush(EventTime now);
  const std::vector<int64_t>& changed() const { return changed_; }

 private:
  struct Working {
    AlertRow row;
    bool is_new = false;
    bool is_touched = false;  // else it was only looked at
    bool observed = false;
    int severity_told = 0;  // of the messages that are in the outbox
    std::string decision;   // of the most severe payment in this batch
  };
  // Rows of alert_payment, by column, as SOCI writes them in bulk.
  struct PaymentRows {
    std::vector<long long> alert_id, sequence, event_time, amount_minor;
    std::vector<std::string> payment_id, currency, merchant, category, fields, decision;
    std::vector<int> outcome;
    std::vector<double> score;
  };

  Working& newest_open(const std::string& subject);
  Working& start(AlertRow row);
  Working& alert_for(const Suspicion& suspicion);
  bool takes(const AlertRow& row, const Suspicion& suspicion) const;
  void add_payment(int64_t alert_id, const Suspicion& suspicion);
  void prepare_find();
  void write_alerts(const std::vector<Working*>& touched);
  std::string payload_of(const Working& working) const;
  void tell(const std::vector<Working*>& touched, EventTime now);
  void insert_payments();

  soci::session& sql_;
  const AlertingOptions& options_;
  const std::string& instance_;
  long long alert_id_last_ = 0;
  std::unique_ptr<soci::statement> find_open_;  // reads find_subject_, writes find_row_
  std::string find_subject_;
  AlertRow find_row_;
  std::vector<Working> alerts_;
  std::unordered_map<std::string, size_t> newest_;  // subject -> its newest open alert in alerts_
  PaymentRows payments_;
  std::vector<int64_t> changed_;
};

// "Declined: 912.40 EUR at Corner Shop", "Would decline: 3 payments, 912.40 EUR, last at Corner
// Shop".
std::string card_alert_title(const AlertRow& row, bool observed);
// The extra fields of a payment that are there, as one JSON object.
std::string extra_fields_json(const Payment& payment, const FieldTable& fields);

}  // namespace paywarden
