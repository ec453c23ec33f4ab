#include "intake/label_parser.h"

#include <simdjson.h>

#include "intake/byte_order_mark.h"
#include "intake/pan.h"

namespace paywarden {

Result<Label> parse_label(std::string_view json, const std::string& default_source, EventTime now,
                          std::string* payment_json) {
  json = without_byte_order_mark(json);
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS)
    return fail("is no JSON object", "body");
  Label label{"", false, default_source, now};
  for (auto [key, value] : object) {
    std::string_view text;
    bool is_text = value.get(text) == simdjson::SUCCESS;
    if (key == "payment_id" && is_text)
      label.payment_id = text;
    else if (key == "is_fraud" && value.get(label.is_fraud) == simdjson::SUCCESS)
      continue;
    else if (key == "source" && is_text)
      label.source = mask_pans(text.substr(0, 128));
    else if (key == "event_time" && is_text) {
      auto at = parse_rfc3339(text);
      if (!at) return fail("is no time like 2026-01-31T12:00:00Z", "event_time");
      label.event_time = *at;
    } else if (key == "payment" && payment_json && value.is_object())
      *payment_json = simdjson::minify(value);
    else
      return fail("is not what a label has: payment_id, is_fraud, source, event_time",
                  mask_pans(key.substr(0, 64)));
  }
  if (label.payment_id.empty() || label.payment_id.size() > 128)
    return fail("is missing or longer than 128 bytes", "payment_id");
  if (object["is_fraud"].error()) return fail("is missing", "is_fraud");
  if (has_separate_pan(label.payment_id)) return fail("holds a card number", "payment_id");
  return label;
}

}  // namespace paywarden
