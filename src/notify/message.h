// The message that tells someone of an alert: made once, kept in the outbox, the same bytes at
// every attempt.
//
//   std::string payload = message_json({.type = MessageType::opened, .alert = summary, .decision =
//   json, ...}); auto message = parse_message(payload);        // for channels that write prose of
//   it
//
// The payload is what webhooks are sent:
// {"type":"alert.opened"|"alert.raised","timestamp":T,"data":{Summary of docs/center-api.md,
// "detail","url","reasons":[...],"rules":[...]}}: type, timestamp and data as Standard Webhooks 1.0
// recommends.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "notify/alert.h"

namespace paywarden {

enum class MessageType : uint8_t {
  opened,  // a new alert
  raised,  // an open alert became more severe
};

struct MessageSource {
  MessageType type = MessageType::opened;
  AlertSummary alert;
  std::string detail;    // guard and system alerts
  std::string decision;  // of its most severe payment, JSON; empty: none
  std::string url;       // the alert on the page; empty: unknown
};

struct Message {
  MessageType type = MessageType::opened;
  std::string kind, outcome, title, detail, url;  // as in the payload
  std::string card, amount, currency, merchant, opened;
  int64_t alert_id = 0;
  int64_t payments = 0;
  double score = 0;
  std::vector<Reason> reasons;
  std::vector<std::string> rules;
};

std::string message_json(const MessageSource& source);
Result<Message> parse_message(std::string_view payload);

}  // namespace paywarden
