// Payloads of messages, written and read.
#include "notify/message.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <limits>

#include "base/json_writer.h"

namespace paywarden {
namespace {

namespace dom = simdjson::dom;

std::string text_of(const dom::element& object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text)) return {};
  return std::string(text);
}

double number_of(const dom::element& object, std::string_view key) {
  double number = 0;
  if (object[key].get(number)) return std::numeric_limits<double>::quiet_NaN();
  return number;
}

int64_t integer_of(const dom::element& object, std::string_view key) {
  int64_t integer = 0;
  if (object[key].get(integer)) return 0;
  return integer;
}

std::vector<Reason> reasons_of(const dom::element& object) {
  std::vector<Reason> reasons;
  dom::array list;
  if (object["reasons"].get(list)) return reasons;
  for (const dom::element& reason : list)
    reasons.push_back({text_of(reason, "feature"), number_of(reason, "value"),
                       number_of(reason, "usual"), number_of(reason, "contribution"),
                       text_of(reason, "text")});
  return reasons;
}

std::vector<std::string> rules_of(const dom::element& object) {
  std::vector<std::string> rules;
  dom::array list;
  if (object["rules"].get(list)) return rules;
  for (const dom::element& rule : list) {
    std::string_view name;
    if (!rule.get(name)) rules.emplace_back(name);
  }
  return rules;
}

void append_reasons(const dom::element& decision, JsonWriter& json) {
  json.key("reasons").open_array();
  for (const Reason& reason : reasons_of(decision)) {
    json.open_object().key("feature").string(reason.feature).key("value").number(reason.value);
    json.key("usual").number(reason.usual).key("contribution").number(reason.contribution);
    if (!reason.text.empty()) json.key("text").string(reason.text);
    json.close_object();
  }
  json.close_array().key("rules").open_array();
  for (const std::string& rule : rules_of(decision)) json.string(rule);
  json.close_array();
}

Message message_of(const dom::element& data, MessageType type) {
  Message m;
  m.type = type;
  m.kind = text_of(data, "kind");
  m.outcome = text_of(data, "outcome");
  m.title = text_of(data, "title");
  m.detail = text_of(data, "detail");
  m.url = text_of(data, "url");
  m.card = text_of(data, "card");
  m.amount = text_of(data, "amount");
  m.currency = text_of(data, "currency");
  m.merchant = text_of(data, "merchant");
  m.opened = text_of(data, "opened");
  m.alert_id = integer_of(data, "id");
  m.payments = integer_of(data, "payments");
  m.score = number_of(data, "score");
  m.reasons = reasons_of(data);
  m.rules = rules_of(data);
  return m;
}

}  // namespace

std::string message_json(const MessageSource& source) {
  std::string data;
  append_json(source.alert, data);
  data.pop_back();  // the closing brace: more members follow
  std::string more;
  JsonWriter json(more);
  json.open_object().key("detail").string(source.detail).key("url").string(source.url);
  dom::parser parser;
  dom::element decision;
  if (!source.decision.empty() && !parser.parse(source.decision).get(decision))
    append_reasons(decision, json);
  json.close_object();
  data += ',' + more.substr(1);
  std::string out;
  JsonWriter(out)
      .open_object()
      .key("type")
      .string(source.type == MessageType::opened ? "alert.opened" : "alert.raised")
      .key("timestamp")
      .string(format_rfc3339(source.alert.updated))
      .key("data")
      .raw(data)
      .close_object();
  return out;
}

Result<Message> parse_message(std::string_view payload) {
  dom::parser parser;
  dom::element root, data;
  if (parser.parse(payload.data(), payload.size()).get(root) || root["data"].get(data))
    return fail("the stored message is not JSON", "outbox",
                "look at the alert on the page instead");
  return message_of(
      data, text_of(root, "type") == "alert.raised" ? MessageType::raised : MessageType::opened);
}

}  // namespace paywarden
