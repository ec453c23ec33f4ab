// Payments and labels as bytes in a log: self-describing (extra fields carry their names), so that
// a log outlives a change of schema: fields that the schema no longer has are skipped, new ones are
// missing.
//
//   std::string bytes;
//   encode_payment(payment, fields, bytes);
//   Payment back;
//   bool ok = decode_payment(bytes, fields, back);
//
// Format 1, little-endian: version u8 | flags u8 (1: backfilled) | event_time i64 | receipt_time
// i64 | card 16 bytes | masked card text | amount svarint | currency 3 bytes | fields varint, then
// for each: place u8 (255: name text follows) | type u8 | value (text; svarint for integer,
// boolean, time, amount; f64 for number).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "payment/decision.h"
#include "payment/label.h"
#include "payment/payment.h"

namespace paywarden {

void encode_payment(const Payment& payment, const FieldTable& fields, std::string& out);
bool decode_payment(std::string_view bytes, const FieldTable& fields, Payment& out);

// The same payment without a schema: every field as the record holds it, by its name, in the record's order. For whoever passes payments
// on and has no need to know what they mean. Texts point into the record's bytes.
struct RecordedField {
  std::string_view name;
  FieldType type = FieldType::text;
  std::string_view text;  // text
  int64_t integer = 0;    // integer, boolean (0 or 1), time (ms), amount (minor units)
  double number = 0;      // number
};
struct RecordedPayment {
  bool backfilled = false;
  EventTime event_time, receipt_time;
  CardToken card;
  MaskedCard card_masked;
  int64_t amount_minor = 0;
  Currency currency;
  std::vector<RecordedField> fields;  // without those above
};
bool decode_payment(std::string_view bytes, RecordedPayment& out);

// A label carries the payment that it is about (an encoded payment; empty while that is unknown),
// so that replay needs no look-up and the label outlives the payment's own segment.
struct LabelRecord {
  Label label;
  std::string payment;
};
void encode_label(const LabelRecord& record, std::string& out);
bool decode_label(std::string_view bytes, LabelRecord& out);

// A decision: the head for consumers that only count, then the JSON as it was answered.
// Format 1: version u8 | outcome u8 | flags u8 | score f32 | payment sequence u64 | JSON to the end.
struct DecisionHead {
  static constexpr uint8_t kLate = 1, kGuarded = 2, kObserved = 4;  // of `flags`
  Outcome outcome = Outcome::approve;
  uint8_t flags = 0;
  float score = 0;
  uint64_t payment_sequence = 0;
};
inline constexpr size_t kDecisionHeadBytes = 15;  // the JSON starts behind them
void encode_decision(const Decision& decision, uint64_t payment_sequence, std::string& out);
// The same of a decision that came as its JSON (decision_json.h).
void encode_decision(const DecisionHead& head, std::string_view json, std::string& out);
bool decode_decision(std::string_view bytes, DecisionHead& head, std::string_view& json);

}  // namespace paywarden
