#include "archive/archive_line.h"

#include "base/json_writer.h"

namespace paywarden {
namespace {

void append_value(const RecordedField& field, int exponent, JsonWriter& json) {
  switch (field.type) {
    case FieldType::text:
      json.string(field.text);
      return;
    case FieldType::integer:
      json.integer(field.integer);
      return;
    case FieldType::number:
      json.number(field.number);
      return;
    case FieldType::boolean:
      json.boolean(field.integer != 0);
      return;
    case FieldType::time:
      json.string(format_rfc3339(EventTime(field.integer)));
      return;
    case FieldType::amount:
      json.string(format_minor_units(field.integer, exponent));
      return;
  }
}

void append_payment(const RecordedPayment& p, JsonWriter& json) {
  char time[24];
  auto written = [&time](EventTime t) {
    write_rfc3339(t, time);
    return std::string_view(time, sizeof time);
  };
  int exponent = p.currency.exponent();
  json.open_object().key("event_time").string(written(p.event_time));
  json.key("receipt_time").string(written(p.receipt_time));
  json.key("card_token").string(p.card.hex()).key("card").string(p.card_masked.view());
  json.key("amount").string(format_minor_units(p.amount_minor, exponent));
  json.key("currency").string(p.currency.code());
  for (const RecordedField& field : p.fields) {
    json.key(field.name);
    append_value(field, exponent, json);
  }
  json.close_object();
}

}  // namespace

tl::unexpected<Error> unreadable(const std::string& what, uint64_t position) {
  return fail(what + " cannot be read", "record " + std::to_string(position),
              "run paywarden journal verify; was it written by a newer Paywarden?");
}

Status read_recorded(const DecidedPayment& decided, RecordedPayment& out) {
  if (decode_payment(decided.payment, out)) return {};
  return unreadable("the payment of this decision", decided.position);
}

Status ArchiveLine::append(const DecidedPayment& decided, std::string& out) {
  TRY(read_recorded(decided, payment_));
  std::string_view members = decided.decision;
  if (members.size() <= 2 || members.front() != '{' || members.back() != '}')
    return unreadable("this decision", decided.position);
  members.remove_prefix(1);
  members.remove_suffix(1);
  JsonWriter json(out);
  json.open_object().key("offset").integer(static_cast<int64_t>(decided.position));
  out.append(1, ',').append(members);
  json.key("payment");
  append_payment(payment_, json);
  json.close_object();
  out.push_back('\n');
  return {};
}

}  // namespace paywarden
