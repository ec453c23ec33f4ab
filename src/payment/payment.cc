#include "payment/payment.h"

#include <bit>

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

uint64_t body_digest(const Payment& payment, const FieldTable& fields) {
  uint64_t digest = 0x243f6a8885a308d3ull;
  // Values are the sender's, and one of 2^64 makes a product 0: what came before stays, turned.
  auto add = [&digest](uint64_t word) {
    digest = std::rotl(digest, 32) + hash_combine(digest, word);
  };
  add(static_cast<uint64_t>(payment.event_time.ms()));
  add(static_cast<uint64_t>(payment.amount_minor));
  add(hash64(payment.card.view()));
  add(hash64(payment.currency.code()));
  const FieldIndex count = payment.field_count();
  for (FieldIndex f = 0; f < count; ++f) {
    if (!payment.has(f)) continue;
    const FieldSpec& spec = fields[f];
    if (spec.is_volatile) continue;
    digest += f;  // so that a value does not mean the same in another field
    add(spec.type == FieldType::text ? payment.text_hash64(f)
                                     : static_cast<uint64_t>(payment.value(f).integer));
  }
  return digest ? digest : 1;
}

}  // namespace paywarden
