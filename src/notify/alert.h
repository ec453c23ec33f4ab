// What the notification center shows: alerts, their payments, the word that was given on them, and
// the deliveries of their messages.
//
//   std::string json;
//   append_json(summary, json);   // the Summary of docs/center-api.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "payment/decision.h"
#include "payment/money.h"

namespace paywarden {

enum class AlertState : uint8_t { open, confirmed, dismissed };
enum class AlertKind : uint8_t {
  card,    // suspicious payments of one card
  guard,   // the decline guard engaged
  system,  // something an engineer must look at
};
std::string_view name_of(AlertState state);
std::string_view name_of(AlertKind kind);
std::optional<AlertState> alert_state_of(std::string_view name);
std::optional<AlertKind> alert_kind_of(std::string_view name);

struct AlertSummary {
  int64_t id = 0;  // 1, 2, ... in the order of the log
  AlertState state = AlertState::open;
  AlertKind kind = AlertKind::card;
  std::string card;  // masked; empty unless `kind` is card
  Outcome outcome =
      Outcome::review;  // the most severe of its payments; guard and system: how urgent it is
  double score = 0;     // the highest of its payments
  int64_t payments = 0;
  int64_t amount_minor = 0;   // sum of the payments that are in `currency`
  Currency currency;          // of its first payment
  std::string merchant;       // of its latest payment
  EventTime opened, updated;  // receipt time of its first and latest payment
  std::string title;          // in words
};

struct AlertPayment {
  uint64_t sequence = 0;  // in the log
  std::string payment_id;
  EventTime event_time;
  int64_t amount_minor = 0;
  Currency currency;
  std::string merchant, category;
  Outcome outcome = Outcome::review;
  double score = 0;
  std::string fields;    // the schema's extra fields, one JSON object
  std::string decision;  // as it was answered, JSON
};

struct RecentPayment {
  std::string payment_id;
  EventTime event_time;
  int64_t amount_minor = 0;
  Currency currency;
  std::string merchant, category;
  std::optional<Outcome> outcome;  // nothing: history, never decided
  double score = 0;
};

struct Verdict {
  AlertState verdict = AlertState::confirmed;  // confirmed or dismissed
  std::string user;
  EventTime at;
  std::string note;
  bool labels_stored = false;  // the labels of its payments are durable in the log
};

struct Alert {
  AlertSummary summary;
  std::string detail;  // guard and system alerts: what happened and what to do
  std::vector<AlertPayment> payments;
  std::vector<RecentPayment> recent;  // of its card, newest first
  std::optional<Verdict> verdict;
};

struct AlertCounts {
  int64_t open = 0, confirmed = 0, dismissed = 0;
};

enum class DeliveryState : uint8_t { waiting, delivered, dead };
std::string_view name_of(DeliveryState state);
std::optional<DeliveryState> delivery_state_of(std::string_view name);

struct Delivery {
  int64_t id = 0;
  int64_t alert_id = 0;
  std::string channel;
  std::string message_id;
  DeliveryState state = DeliveryState::waiting;
  int attempts = 0;
  std::string last_error;
  EventTime queued, next_attempt;
  std::string payload;  // JSON, see message.h
};

std::string amount_text(int64_t minor, Currency currency);  // "912.40"
void append_json(const AlertSummary& summary, std::string& out);

}  // namespace paywarden
