#include "archive/avro_encoder.h"

#include <algorithm>
#include <array>
#include <optional>

#include "payment/money.h"

namespace paywarden {
namespace {

using Element = simdjson::dom::element;

constexpr std::string_view kSchema =
    R"({"type":"record","name":"ArchivedDecision","namespace":"paywarden","fields":[
{"name":"offset","type":"long","doc":"the decision's position in the log"},
{"name":"payment_id","type":"string"},
{"name":"outcome","type":{"type":"enum","name":"Outcome","symbols":["approve","review","decline"]}},
{"name":"score","type":"float","doc":"probability of fraud"},
{"name":"reasons","type":{"type":"array","items":{"type":"record","name":"Reason","fields":[
{"name":"feature","type":"string"},{"name":"value","type":["null","float"]},
{"name":"usual","type":["null","float"]},{"name":"contribution","type":["null","float"]},
{"name":"text","type":["null","string"],"default":null,"doc":"the same as a sentence"}]}}},
{"name":"rules","type":{"type":"array","items":"string"}},
{"name":"model","type":"string"},
{"name":"event_time","type":{"type":"long","logicalType":"timestamp-millis"}},
{"name":"card","type":"string","doc":"masked"},
{"name":"late","type":"boolean"},
{"name":"approximate","type":{"type":"array","items":"string"}},
{"name":"guarded","type":"boolean"},
{"name":"would_be","type":["null","Outcome"]},
{"name":"more","type":{"type":"map","values":"string"},"doc":"members of the decision that this schema does not know, as JSON"},
{"name":"payment","type":{"type":"record","name":"Payment","fields":[
{"name":"event_time","type":{"type":"long","logicalType":"timestamp-millis"}},
{"name":"receipt_time","type":{"type":"long","logicalType":"timestamp-millis"}},
{"name":"card_token","type":"string"},
{"name":"card","type":"string","doc":"masked"},
{"name":"amount","type":"string","doc":"decimal, in the currency"},
{"name":"currency","type":"string","doc":"ISO 4217"},
{"name":"payment_id","type":["null","string"]},
{"name":"merchant","type":["null","string"]},
{"name":"category","type":["null","string"]},
{"name":"latitude","type":["null","double"]},
{"name":"longitude","type":["null","double"]},
{"name":"merchant_latitude","type":["null","double"]},
{"name":"merchant_longitude","type":["null","double"]},
{"name":"fields","type":{"type":"map","values":["string","long","double","boolean"]},"doc":"the schema's own; times as RFC 3339, amounts as decimals"}
]}}]})";

constexpr std::array<std::string_view, 3> kStandardTexts = {"payment_id", "merchant", "category"};
constexpr std::array<std::string_view, 4> kStandardNumbers = {
    "latitude", "longitude", "merchant_latitude", "merchant_longitude"};

// What a decision's JSON says.
struct ReadDecision {
  struct ReadReason {
    std::string_view feature;
    std::array<std::optional<float>, 3> numbers;  // value, usual, contribution
    std::optional<std::string_view> text;
  };
  std::string_view payment_id, model, card;
  int outcome = -1, would_be = -1;
  float score = 0;
  std::vector<ReadReason> reasons;
  std::vector<std::string_view> rules, approximate;
  EventTime event_time;
  bool late = false, guarded = false;
  std::vector<std::pair<std::string_view, std::string>> more;
};

bool read(const Element& e, std::string_view& out) {
  return e.get(out) == simdjson::SUCCESS;
}
bool read(const Element& e, bool& out) {
  return e.get(out) == simdjson::SUCCESS;
}
bool read(const Element& e, float& out) {
  double number = 0;
  if (e.get(number) != simdjson::SUCCESS) return false;
  out = static_cast<float>(number);
  return true;
}
bool read(const Element& e, EventTime& out) {
  std::string_view text;
  if (!read(e, text)) return false;
  auto time = parse_rfc3339(text);
  if (time) out = *time;
  return time.has_value();
}
bool read(const Element& e, std::vector<std::string_view>& out) {
  simdjson::dom::array array;
  if (e.get(array) != simdjson::SUCCESS) return false;
  for (Element item : array)
    if (!read(item, out.emplace_back())) return false;
  return true;
}
bool read_outcome(const Element& e, int& out) {
  std::string_view name;
  if (!read(e, name)) return false;
  for (Outcome outcome : {Outcome::approve, Outcome::review, Outcome::decline})
    if (name_of(outcome) == name) out = static_cast<int>(outcome);
  return out >= 0;
}
bool read_reasons(const Element& e, std::vector<ReadDecision::ReadReason>& out) {
  simdjson::dom::array array;
  if (e.get(array) != simdjson::SUCCESS) return false;
  for (Element item : array) {
    ReadDecision::ReadReason& reason = out.emplace_back();
    size_t place = 0;
    for (const char* key : {"value", "usual", "contribution"}) {
      Element number;
      float value = 0;
      bool there = item[key].get(number) == simdjson::SUCCESS && !number.is_null();
      if (there && !read(number, value)) return false;
      if (there) reason.numbers[place] = value;
      ++place;
    }
    Element feature, text;
    if (item["text"].get(text) == simdjson::SUCCESS && !read(text, reason.text.emplace()))
      return false;
    if (item["feature"].get(feature) != simdjson::SUCCESS || !read(feature, reason.feature))
      return false;
  }
  return true;
}

bool read_member(std::string_view key, const Element& value, ReadDecision& out) {
  if (key == "payment_id") return read(value, out.payment_id);
  if (key == "outcome") return read_outcome(value, out.outcome);
  if (key == "score") return read(value, out.score);
  if (key == "reasons") return read_reasons(value, out.reasons);
  if (key == "rules") return read(value, out.rules);
  if (key == "model") return read(value, out.model);
  if (key == "event_time") return read(value, out.event_time);
  if (key == "card") return read(value, out.card);
  if (key == "late") return read(value, out.late);
  if (key == "approximate") return read(value, out.approximate);
  if (key == "guarded") return read(value, out.guarded);
  if (key == "would_be") return read_outcome(value, out.would_be);
  out.more.emplace_back(key, simdjson::minify(value));
  return true;
}

bool read_decision(const Element& root, ReadDecision& out) {
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return false;
  for (auto [key, value] : object)
    if (!read_member(key, value, out)) return false;
  return out.outcome >= 0;
}

void write_texts(const std::vector<std::string_view>& texts, AvroWriter& w) {
  w.items(texts.size());
  for (std::string_view text : texts) w.text(text);
  w.end_items();
}

void write(const ReadDecision& d, AvroWriter& w) {
  w.text(d.payment_id);
  w.integer(d.outcome);
  w.real(d.score);
  w.items(d.reasons.size());
  for (const auto& reason : d.reasons) {
    w.text(reason.feature);
    for (const std::optional<float>& number : reason.numbers) {
      w.branch(number ? 1 : 0);
      if (number) w.real(*number);
    }
    w.branch(reason.text ? 1 : 0);
    if (reason.text) w.text(*reason.text);
  }
  w.end_items();
  write_texts(d.rules, w);
  w.text(d.model);
  w.integer(d.event_time.ms());
  w.text(d.card);
  w.boolean(d.late);
  write_texts(d.approximate, w);
  w.boolean(d.guarded);
  w.branch(d.would_be >= 0 ? 1 : 0);
  if (d.would_be >= 0) w.integer(d.would_be);
  w.items(d.more.size());
  for (const auto& [key, json] : d.more) {
    w.text(key);
    w.text(json);
  }
  w.end_items();
}

bool is_standard(const RecordedField& field) {
  auto in = [&](const auto& names) {
    return std::find(names.begin(), names.end(), field.name) != names.end();
  };
  return in(kStandardTexts) || in(kStandardNumbers);
}

void write_own_field(const RecordedField& field, int exponent, AvroWriter& w) {
  w.text(field.name);
  switch (field.type) {
    case FieldType::text:
      w.branch(0);
      return w.text(field.text);
    case FieldType::integer:
      w.branch(1);
      return w.integer(field.integer);
    case FieldType::number:
      w.branch(2);
      return w.real(field.number);
    case FieldType::boolean:
      w.branch(3);
      return w.boolean(field.integer != 0);
    case FieldType::time:
      w.branch(0);
      return w.text(format_rfc3339(EventTime(field.integer)));
    case FieldType::amount:
      w.branch(0);
      return w.text(format_minor_units(field.integer, exponent));
  }
}

}  // namespace

std::string_view avro_schema() {
  return kSchema;
}

AvroEncoder::AvroEncoder(ArchiveCompression compression, const std::string& name)
    : file_(kSchema, compression, name) {}

Status AvroEncoder::add(const DecidedPayment& decided) {
  TRY(read_recorded(decided, payment_));
  TRY(add_decision(decided));
  add_payment();
  file_.end_record();
  return {};
}

Status AvroEncoder::add_decision(const DecidedPayment& decided) {
  Element root;
  ReadDecision decision;
  bool whole = parser_.parse(decided.decision.data(), decided.decision.size()).get(root) ==
                   simdjson::SUCCESS &&
               read_decision(root, decision);
  if (!whole) return unreadable("this decision", decided.position);
  AvroWriter w(file_.record());
  w.integer(static_cast<int64_t>(decided.position));
  write(decision, w);
  return {};
}

void AvroEncoder::add_payment() {
  const RecordedPayment& p = payment_;
  AvroWriter w(file_.record());
  auto find = [&p](std::string_view name) -> const RecordedField* {
    for (const RecordedField& field : p.fields)
      if (field.name == name) return &field;
    return nullptr;
  };
  w.integer(p.event_time.ms());
  w.integer(p.receipt_time.ms());
  w.text(p.card.hex());
  w.text(p.card_masked.view());
  w.text(format_minor_units(p.amount_minor, p.currency.exponent()));
  w.text(p.currency.code());
  for (std::string_view name : kStandardTexts) {
    const RecordedField* field = find(name);
    w.branch(field ? 1 : 0);
    if (field) w.text(field->text);
  }
  for (std::string_view name : kStandardNumbers) {
    const RecordedField* field = find(name);
    w.branch(field ? 1 : 0);
    if (field) w.real(field->number);
  }
  auto own = [](const RecordedField& field) { return !is_standard(field); };
  w.items(static_cast<size_t>(std::count_if(p.fields.begin(), p.fields.end(), own)));
  for (const RecordedField& field : p.fields)
    if (own(field)) write_own_field(field, p.currency.exponent(), w);
  w.end_items();
}

}  // namespace paywarden
