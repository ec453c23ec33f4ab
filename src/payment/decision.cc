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

namespace {

void append_reasons(const std::vector<Reason>& reasons, std::string& out) {
  JsonWriter json(out);
  for (const Reason& reason : reasons) {
    // All three are float32 from where they come: as double they would show digits that mean nothing.
    json.open_object().key("feature").string(reason.feature);
    json.key("value").number(static_cast<float>(reason.value));
    json.key("usual").number(static_cast<float>(reason.usual));
    json.key("contribution").number(static_cast<float>(reason.contribution));
    if (!reason.text.empty()) json.key("text").string(reason.text);
    json.close_object();
  }
}

void append_strings(const std::vector<std::string>& strings, std::string& out) {
  JsonWriter json(out);
  for (const std::string& string : strings) json.string(string);
}

// Members that few decisions have.
void append_rare(const Decision& d, std::string& out) {
  if (d.late) out += R"(,"late":true)";
  if (!d.approximate.empty()) {
    out += R"(,"approximate":[)";
    append_strings(d.approximate, out);
    out += ']';
  }
  if (d.guarded) out += R"(,"guarded":true)";
  if (!d.shadow.model.empty()) {
    out += R"(,"shadow":)";
    JsonWriter json(out);
    json.open_object().key("model").string(d.shadow.model);
    json.key("score").number(d.shadow.score);
    json.key("outcome").string(name_of(d.shadow.outcome)).close_object();
  }
  if (d.observed) out.append(R"(,"would_be":")").append(name_of(d.would_be)).append(1, '"');
}

}  // namespace

void append_json(const Decision& d, std::string& out) {
  constexpr size_t kNamesMost = 128;  // of the members, and an outcome
  char time[24];
  write_rfc3339(d.event_time, time);
  {
    JsonCursor json(out, kNamesMost + JsonCursor::most(d.payment_id) + JsonCursor::kNumberMost);
    json.text(R"({"payment_id":)").string(d.payment_id);
    json.text(R"(,"outcome":")").text(name_of(d.outcome));
    json.text(R"(","score":)").number(d.score).text(R"(,"reasons":[)");
  }
  append_reasons(d.reasons, out);
  out += R"(],"rules":[)";
  append_strings(d.rules, out);
  {
    JsonCursor json(out, kNamesMost + JsonCursor::most(d.model) + sizeof time +
                             JsonCursor::most(d.card.view()));
    json.text(R"(],"model":)").string(d.model);
    json.text(R"(,"event_time":")").text({time, sizeof time});
    json.text(R"(","card":)").string(d.card.view());
  }
  append_rare(d, out);
  out += '}';
}

}  // namespace paywarden
