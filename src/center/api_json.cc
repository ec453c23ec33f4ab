#include "center/api_json.h"

#include <simdjson.h>

#include "base/json_writer.h"

namespace paywarden {
namespace {

namespace dom = simdjson::dom;

std::string time_text(EventTime time) {
  return format_rfc3339(time);
}

// A member of the decision as it stands there, or `otherwise`.
std::string raw_member(const dom::element& decision, std::string_view key, const char* otherwise) {
  dom::element value;
  if (decision[key].get(value)) return otherwise;
  return simdjson::to_string(value);
}

// What the decision itself says: its model, reasons, rules and flags.
void append_decision(const std::string& text, JsonWriter& json) {
  dom::parser parser;
  dom::element decision;
  if (parser.parse(text).get(decision) || !decision.is_object())
    decision = parser.parse(std::string("{}")).value();
  json.key("model").raw(raw_member(decision, "model", "null"));
  json.key("late").raw(raw_member(decision, "late", "false"));
  json.key("guarded").raw(raw_member(decision, "guarded", "false"));
  json.key("approximate").raw(raw_member(decision, "approximate", "[]"));
  json.key("reasons").raw(raw_member(decision, "reasons", "[]"));
  json.key("rules").raw(raw_member(decision, "rules", "[]"));
}

template <typename P>
void append_basics(const P& p, JsonWriter& json) {
  json.key("payment_id").string(p.payment_id).key("event_time").string(time_text(p.event_time));
  json.key("amount")
      .string(amount_text(p.amount_minor, p.currency))
      .key("currency")
      .string(p.currency.code());
  json.key("merchant").string(p.merchant).key("category").string(p.category);
}

void append_paid(const AlertPayment& p, JsonWriter& json) {
  json.open_object();
  append_basics(p, json);
  json.key("outcome").string(name_of(p.outcome)).key("score").number(static_cast<float>(p.score));
  append_decision(p.decision, json);
  json.key("fields").raw(p.fields).close_object();
}

void append_recent(const RecentPayment& p, JsonWriter& json) {
  json.open_object();
  append_basics(p, json);
  if (p.outcome)
    json.key("outcome")
        .string(name_of(*p.outcome))
        .key("score")
        .number(static_cast<float>(p.score));
  else
    json.key("outcome").null().key("score").null();
  json.close_object();
}

void append_verdict(const std::optional<Verdict>& verdict, JsonWriter& json) {
  if (!verdict) {
    json.key("verdict_by")
        .null()
        .key("verdict_at")
        .null()
        .key("note")
        .string("")
        .key("labels_pending")
        .boolean(false);
    return;
  }
  json.key("verdict_by").string(verdict->user).key("verdict_at").string(time_text(verdict->at));
  json.key("note").string(verdict->note).key("labels_pending").boolean(!verdict->labels_stored);
}

}  // namespace

std::string json_of(const AlertPage& page) {
  std::string out;
  JsonWriter json(out);
  json.open_object().key("alerts").open_array();
  for (const AlertSummary& summary : page.alerts) {
    std::string one;
    append_json(summary, one);
    json.raw(one);
  }
  json.close_array().key("next");
  if (page.next)
    json.integer(*page.next);
  else
    json.null();
  json.key("counts").open_object().key("open").integer(page.counts.open);
  json.key("confirmed")
      .integer(page.counts.confirmed)
      .key("dismissed")
      .integer(page.counts.dismissed);
  json.close_object().close_object();
  return out;
}

std::string json_of(const Alert& alert) {
  std::string out;
  append_json(alert.summary, out);
  out.pop_back();  // the closing brace: more members follow
  std::string more;
  JsonWriter json(more);
  json.open_object().key("detail").string(alert.detail).key("payments_list").open_array();
  for (const AlertPayment& payment : alert.payments) append_paid(payment, json);
  json.close_array().key("recent").open_array();
  for (const RecentPayment& payment : alert.recent) append_recent(payment, json);
  json.close_array();
  append_verdict(alert.verdict, json);
  json.close_object();
  return out + ',' + more.substr(1);
}

std::string json_of(const std::vector<Delivery>& deliveries) {
  std::string out;
  JsonWriter json(out);
  json.open_object().key("deliveries").open_array();
  for (const Delivery& d : deliveries) {
    json.open_object()
        .key("id")
        .integer(d.id)
        .key("alert")
        .integer(d.alert_id)
        .key("channel")
        .string(d.channel);
    json.key("state").string(name_of(d.state)).key("attempts").integer(d.attempts);
    json.key("last_error")
        .string(d.last_error)
        .key("next_attempt")
        .string(time_text(d.next_attempt));
    json.key("message_id").string(d.message_id).close_object();
  }
  json.close_array().close_object();
  return out;
}

std::string json_of(const StatusReport& status) {
  std::string out;
  JsonWriter json(out);
  json.open_object().key("mode").string(status.mode).key("model").string(status.model);
  json.key("guard").boolean(status.guard).key("journal").open_object();
  json.key("sequence").integer(static_cast<int64_t>(status.journal_sequence));
  json.key("bytes").integer(static_cast<int64_t>(status.journal_bytes)).close_object();
  json.key("version").string(status.version).close_object();
  return out;
}

void append_json(const StatsNow& now, int64_t alerts_open, std::string& out) {
  JsonWriter json(out);
  json.open_object()
      .key("time")
      .string(time_text(now.time))
      .key("per_second")
      .number(now.per_second);
  json.key("latency_us").open_object().key("p50").integer(now.latency_us_p50);
  json.key("p99")
      .integer(now.latency_us_p99)
      .key("p999")
      .integer(now.latency_us_p999)
      .close_object();
  json.key("approve")
      .integer(now.approve)
      .key("review")
      .integer(now.review)
      .key("decline")
      .integer(now.decline);
  json.key("queued").integer(now.queued).key("alerts_open").integer(alerts_open).close_object();
}

}  // namespace paywarden
