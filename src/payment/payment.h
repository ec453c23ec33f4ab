// The canonical payment: what every stage after intake works on. Made to be filled again and again
// without allocating: text lies in one buffer, values in one array indexed by field.
//
//   Payment p;
//   p.reset(fields.size());
//   p.set_text(field::merchant, "Corner Shop");
//   p.text(field::merchant)       // "Corner Shop"; empty where missing
//   p.has(field::category)        // false
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/prefetch.h"
#include "base/time.h"
#include "payment/fields.h"
#include "payment/money.h"

namespace paywarden {

// HMAC-SHA256(key, PAN), cut to 128 bits. The only form in which a card number is known behind
// intake.
struct CardToken {
  std::array<uint8_t, 16> bytes{};
  bool operator==(const CardToken&) const = default;
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::string hex() const;
  static std::optional<CardToken> parse(std::string_view hex);  // as hex() writes it
};

// "411111******1111": first six and last four digits at most (PCI DSS 4.0, 3.4.1), for people to
// look at.
struct MaskedCard {
  std::array<char, 23> text{};
  uint8_t length = 0;
  std::string_view view() const { return {text.data(), length}; }
  void assign(std::string_view s) {
    length = static_cast<uint8_t>(s.size() < text.size() ? s.size() : text.size());
    if (length) std::memcpy(text.data(), s.data(), length);
  }
  bool operator==(const MaskedCard& other) const { return view() == other.view(); }
};

struct FieldValue {
  enum class State : uint8_t { missing, present };
  State state = State::missing;
  uint32_t length = 0;  // text: bytes
  union {
    int64_t integer = 0;  // integer, boolean (0 or 1), time (ms), amount (minor units)
    double number;        // number
    uint64_t offset;      // text: where it starts in the payment's buffer
  };
};

class Payment {
 public:
  EventTime event_time;
  EventTime receipt_time;  // when intake saw it; no part of the payment's identity, decides nothing
  CardToken card;
  MaskedCard card_masked;
  int64_t amount_minor = 0;  // in `currency`
  Currency currency;
  int64_t amount_base_minor =
      0;                    // in the base currency, at the rate the log held; set by the engine
  bool backfilled = false;  // history: warms the state, is not decided

  void reset(FieldIndex field_count) {
    values_.assign(field_count, FieldValue{});
    text_bytes_ = 0;
    backfilled = false;
  }

  // Asks for its fields and texts some payments before they are read or, where it is filled again, written: the memory is far away where
  // another thread had it last. The payment itself must be near.
  void prefetch() const { ask_for_contents(prefetch_line); }
  void prefetch_to_write() const { ask_for_contents(prefetch_line_to_write); }

  std::string_view id() const { return text(field::payment_id); }
  std::string_view merchant() const { return text(field::merchant); }

  bool has(FieldIndex f) const { return values_[f].state == FieldValue::State::present; }
  const FieldValue& value(FieldIndex f) const { return values_[f]; }
  std::string_view text(FieldIndex f) const {
    const FieldValue& v = values_[f];
    return v.state == FieldValue::State::present
               ? std::string_view(text_.data() + v.offset, v.length)
               : std::string_view();
  }
  uint64_t text_hash64(FieldIndex f) const { return has(f) ? hash64_padded(text(f)) : hash64({}); }
  Hash128 text_hash128(FieldIndex f) const {
    return has(f) ? hash128_padded(text(f)) : hash128({});
  }
  FieldIndex field_count() const { return static_cast<FieldIndex>(values_.size()); }

  // Not of this payment's own texts: they may move.
  void set_text(FieldIndex f, std::string_view s) {
    char* to = put_text(f, s.size());
    if (!s.empty()) std::memcpy(to, s.data(), s.size());
  }
  // The same of a text behind which kHashPadding bytes may be read: texts differ in length, which no branch foresees.
  void set_padded_text(FieldIndex f, std::string_view s) {
    char* to = put_text(f, s.size());
    const char* from = s.data();
    size_t left = s.size();
    for (; left > 16; to += 16, from += 16, left -= 16) std::memcpy(to, from, 16);
    uint64_t tail[2];
    load_padded_tail(from, left, tail[0], tail[1]);
    std::memcpy(to, tail, 16);
  }
  void set_integer(FieldIndex f, int64_t n) { put(f).integer = n; }  // also boolean, time, amount
  void set_number(FieldIndex f, double n) { put(f).number = n; }

 private:
  template <typename Ask>
  void ask_for_contents(Ask ask) const {
    prefetch_range(values_.data(), values_.size() * sizeof(FieldValue), ask);
    prefetch_range(text_.data(), text_bytes_, ask);
  }
  FieldValue& put(FieldIndex f) {
    values_[f].state = FieldValue::State::present;
    return values_[f];
  }
  // The place for a text, and kHashPadding bytes behind it.
  char* put_text(FieldIndex f, size_t size) {
    FieldValue& v = put(f);
    v.offset = text_bytes_;
    v.length = static_cast<uint32_t>(size);
    // An empty text has an address, too: none means that the field is missing.
    if (text_.size() < text_bytes_ + size + kHashPadding)
      text_.resize(2 * text_.size() + size + 64);
    char* place = text_.data() + text_bytes_;
    text_bytes_ += size;
    return place;
  }
  std::vector<FieldValue> values_;
  std::vector<char>
      text_;  // of which the first text_bytes_ are in use, and kHashPadding behind them are read
  size_t text_bytes_ = 0;
};

// event_time, card, amount and currency stand in their own members and not among the values.
//
// Two sendings are the same payment when their ids and these digests are equal: every field that is
// not volatile, with the event time, card, amount and currency; not the receipt time. Never 0, which
// stands for a digest that is not known.
uint64_t body_digest(const Payment& payment, const FieldTable& fields);

struct PaymentIdentity {
  Hash128 id;
  uint64_t digest = 0;
};
inline PaymentIdentity identity_of(const Payment& payment, const FieldTable& fields) {
  return {payment.text_hash128(field::payment_id), body_digest(payment, fields)};
}

}  // namespace paywarden
