#include "payment/payment.h"

#include "base/digest.h"

namespace paywarden {

std::string CardToken::hex() const {
  return to_hex(view());
}

std::optional<CardToken> CardToken::parse(std::string_view hex) {
  CardToken token;
  auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != token.bytes.size()) return std::nullopt;
  std::memcpy(token.bytes.data(), bytes->data(), bytes->size());
  return token;
}

// Each field is hashed with its index as it comes; the two halves are chains of their own.
Hash128 body_digest(const Payment& payment, const FieldTable& fields) {
  Hash128 h = {payment.event_time.ms() ^ 0x243f6a8885a308d3ull,
               payment.amount_minor ^ 0x13198a2e03707344ull};
  auto mix = [&h](uint64_t a, uint64_t b) {
    h.low = hash_combine(h.low, a);
    h.high = hash_combine(h.high, b);
  };
  auto mix_text = [&mix](std::string_view s, uint64_t index) {
    Hash128 text = hash128(s);
    mix(text.low + index, text.high + index);
  };
  mix_text(payment.card.view(), field::card);
  mix_text(payment.currency.code(), field::currency);
  for (FieldIndex f = 0; f < payment.field_count(); ++f) {
    if (!payment.has(f) || fields[f].is_volatile) continue;
    if (fields[f].type == FieldType::text) {
      mix_text(payment.text(f), f);
    } else {
      uint64_t value[] = {f, static_cast<uint64_t>(payment.value(f).integer)};
      mix_text({reinterpret_cast<const char*>(value), sizeof(value)}, f);
    }
  }
  return h;
}

}  // namespace paywarden
