#include "payment/payment.h"

#include "base/digest.h"

namespace paywarden {

std::string CardToken::hex() const {
  return to_hex(view());
}

Hash128 body_digest(const Payment& payment, const FieldTable& fields) {
  Hash128 h = {payment.event_time.ms() ^ 0x243f6a8885a308d3ull,
               payment.amount_minor ^ 0x13198a2e03707344ull};
  auto mix = [&h](uint64_t a, uint64_t b) {
    h.low = hash_combine(h.low, a);
    h.high = hash_combine(h.high, b);
  };
  auto mix_text = [&mix](std::string_view s) {
    Hash128 text = hash128(s);
    mix(text.low, text.high);
  };
  mix_text(payment.card.view());
  mix_text(payment.currency.code());
  for (FieldIndex f = 0; f < payment.field_count(); ++f) {
    if (!payment.has(f) || fields[f].is_volatile) continue;
    mix(f, f);
    if (fields[f].type == FieldType::text)
      mix_text(payment.text(f));
    else
      mix(static_cast<uint64_t>(payment.value(f).integer), payment.value(f).offset);
  }
  return h;
}

}  // namespace paywarden
