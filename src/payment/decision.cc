#include "payment/decision.h"

#include <array>

#include "base/json_writer.h"

namespace paywarden {

std::string_view name_of(Outcome outcome) {
  constexpr std::array<std::string_view, 3> kNames = {"approve", "review", "decline"};
  return kNames[static_cast<size_t>(outcome)];
}

void Decision::reset() {
  reasons.clear();
  rules.clear();
  approximate.clear();
  late = guarded = observed = false;
  shadow.model.clear();
}

void append_json(const Decision& d, std::string& out) {
  char time[24];
  write_rfc3339(d.event_time, time);
  JsonWriter json(out);
  json.open_object().key("payment_id").string(d.payment_id);
  json.key("outcome").string(name_of(d.outcome)).key("score").number(d.score);
  json.key("reasons").open_array();
  for (const Reason& reason : d.reasons) {
    // All three are float32 from where they come: as double they would show digits that mean nothing.
    json.open_object().key("feature").string(reason.feature);
    json.key("value").number(static_cast<float>(reason.value));
    json.key("usual").number(static_cast<float>(reason.usual));
    json.key("contribution").number(static_cast<float>(reason.contribution));
    if (!reason.text.empty()) json.key("text").string(reason.text);
    json.close_object();
  }
  json.close_array().key("rules").open_array();
  for (const std::string& rule : d.rules) json.string(rule);
  json.close_array().key("model").string(d.model);
  json.key("event_time").string({time, sizeof time}).key("card").string(d.card.view());
  if (d.late) json.key("late").boolean(true);
  if (!d.approximate.empty()) {
    json.key("approximate").open_array();
    for (const std::string& feature : d.approximate) json.string(feature);
    json.close_array();
  }
  if (d.guarded) json.key("guarded").boolean(true);
  if (!d.shadow.model.empty()) {
    json.key("shadow").open_object().key("model").string(d.shadow.model);
    json.key("score").number(d.shadow.score);
    json.key("outcome").string(name_of(d.shadow.outcome)).close_object();
  }
  if (d.observed) json.key("would_be").string(name_of(d.would_be));
  json.close_object();
}

}  // namespace paywarden
