#include "payment/records.h"

#include "base/byte_io.h"

namespace paywarden {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kNamed = 255;

void encode_field(const Payment& payment, const FieldTable& fields, FieldIndex f,
                  std::string& out) {
  const FieldSpec& spec = fields[f];
  char piece[64];
  ByteCursor head(piece);
  if (f < field::standard_count) {
    head.u8(static_cast<uint8_t>(f));
  } else {
    head.u8(kNamed);
    head.varint(spec.name.size());
    out.append(head.bytes()).append(spec.name);
    head = ByteCursor(piece);
  }
  head.u8(static_cast<uint8_t>(spec.type));
  if (spec.type == FieldType::text) {
    head.varint(payment.text(f).size());
    out.append(head.bytes()).append(payment.text(f));
    return;
  }
  if (spec.type == FieldType::number)
    head.f64(payment.value(f).number);
  else
    head.svarint(payment.value(f).integer);
  out.append(head.bytes());
}

// `place`: of a standard field, else kNamed; the name is that of an extra field.
bool read_field(ByteReader& r, uint8_t& place, RecordedField& out) {
  place = r.u8();
  out.name = place == kNamed ? r.text() : std::string_view();
  out.type = static_cast<FieldType>(r.u8());
  if (out.type == FieldType::text)
    out.text = r.text();
  else if (out.type == FieldType::number)
    out.number = r.f64();
  else
    out.integer = r.svarint();
  return r.ok() && out.type <= FieldType::amount;
}

// Reads one value; sets it where it is of a field of the same type.
bool decode_field(ByteReader& r, const FieldTable& fields, Payment& out) {
  uint8_t place = 0;
  RecordedField read;
  if (!read_field(r, place, read)) return false;
  std::optional<FieldIndex> f;
  if (place == kNamed)
    f = fields.find(read.name);
  else if (place < field::standard_count)
    f = place;
  if (!f || fields[*f].type != read.type) return true;
  if (read.type == FieldType::text)
    out.set_text(*f, read.text);
  else if (read.type == FieldType::number)
    out.set_number(*f, read.number);
  else
    out.set_integer(*f, read.integer);
  return true;
}

// What stands before the fields, and how many there are.
template <typename AnyPayment>
bool read_head(ByteReader& r, AnyPayment& out, uint64_t& fields) {
  if (r.u8() != kVersion) return false;
  out.backfilled = r.u8() & 1;
  out.event_time = EventTime(r.i64());
  out.receipt_time = EventTime(r.i64());
  std::string_view token = r.raw(out.card.bytes.size());
  if (r.ok()) std::memcpy(out.card.bytes.data(), token.data(), token.size());
  out.card_masked.assign(r.text());
  out.amount_minor = r.svarint();
  auto currency = Currency::parse(r.raw(3));
  if (!currency) return false;
  out.currency = *currency;
  fields = r.varint();
  return r.ok() && fields <= kFieldsMax;
}

const FieldTable& standard_fields() {
  static const FieldTable kStandard;
  return kStandard;
}

}  // namespace

void encode_payment(const Payment& p, const FieldTable& fields, std::string& out) {
  char piece[128];
  ByteCursor w(piece);
  w.u8(kVersion);
  w.u8(p.backfilled ? 1 : 0);
  w.i64(p.event_time.ms());
  w.i64(p.receipt_time.ms());
  w.raw(p.card.bytes.data(), p.card.bytes.size());
  w.varint(p.card_masked.view().size());
  w.raw(p.card_masked.view().data(), p.card_masked.view().size());
  w.svarint(p.amount_minor);
  w.raw(p.currency.code().data(), 3);
  uint64_t present = 0;
  for (FieldIndex f = 0; f < p.field_count(); ++f) present += p.has(f);
  w.varint(present);
  out.append(w.bytes());
  for (FieldIndex f = 0; f < p.field_count(); ++f)
    if (p.has(f)) encode_field(p, fields, f, out);
}

bool decode_payment(std::string_view bytes, const FieldTable& fields, Payment& out) {
  ByteReader r(bytes);
  uint64_t count = 0;
  out.reset(fields.size());
  if (!read_head(r, out, count)) return false;
  out.amount_base_minor = out.amount_minor;
  for (uint64_t i = 0; i < count; ++i)
    if (!decode_field(r, fields, out)) return false;
  return r.ok() && r.at_end();
}

bool decode_payment(std::string_view bytes, RecordedPayment& out) {
  ByteReader r(bytes);
  uint64_t count = 0;
  out.fields.clear();
  if (!read_head(r, out, count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    uint8_t place = 0;
    RecordedField& field = out.fields.emplace_back();
    if (!read_field(r, place, field)) return false;
    if (place == kNamed) continue;
    if (place >= field::standard_count) return false;
    field.name = standard_fields()[place].name;
  }
  return r.ok() && r.at_end();
}

void encode_label(const LabelRecord& record, std::string& out) {
  ByteWriter w(out);
  w.u8(kVersion);
  w.u8(record.label.is_fraud ? 1 : 0);
  w.i64(record.label.event_time.ms());
  w.text(record.label.payment_id);
  w.text(record.label.source);
  w.text(record.payment);
}

bool decode_label(std::string_view bytes, LabelRecord& out) {
  ByteReader r(bytes);
  if (r.u8() != kVersion) return false;
  out.label.is_fraud = r.u8() & 1;
  out.label.event_time = EventTime(r.i64());
  out.label.payment_id = r.text();
  out.label.source = r.text();
  out.payment = r.text();
  return r.ok() && r.at_end();
}

void encode_decision(const Decision& decision, uint64_t payment_sequence, std::string& out) {
  uint8_t flags = 0;
  if (decision.late) flags |= DecisionHead::kLate;
  if (decision.guarded) flags |= DecisionHead::kGuarded;
  if (decision.observed) flags |= DecisionHead::kObserved;
  encode_decision({decision.outcome, flags, decision.score, payment_sequence}, {}, out);
  append_json(decision, out);
}

void encode_decision(const DecisionHead& head, std::string_view json, std::string& out) {
  ByteWriter w(out);
  w.u8(kVersion);
  w.u8(static_cast<uint8_t>(head.outcome));
  w.u8(head.flags);
  w.f32(head.score);
  w.u64(head.payment_sequence);
  out.append(json);
}

bool decode_decision(std::string_view bytes, DecisionHead& head, std::string_view& json) {
  ByteReader r(bytes);
  if (r.u8() != kVersion) return false;
  uint8_t outcome = r.u8();
  head.outcome = static_cast<Outcome>(outcome);
  head.flags = r.u8();
  head.score = r.f32();
  head.payment_sequence = r.u64();
  if (!r.ok() || outcome > 2) return false;
  json = bytes.substr(r.position());
  return true;
}

}  // namespace paywarden
