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

namespace {

// Of one payment. Each field is hashed with its index as it comes; the two halves are chains of their own.
class Digest {
 public:
  Digest(uint64_t low, uint64_t high) : sum_{low, high} {}
  const Hash128& sum() const { return sum_; }

  void add_text(std::string_view s, uint64_t index) { add(hash128(s), index); }
  // hash128 of the index and the value, 16 bytes.
  [[gnu::always_inline]] void add_word(uint64_t value, uint64_t index) {
    uint64_t words[] = {index, value};
    add(hash128({reinterpret_cast<const char*>(words), sizeof words}), index);
  }

 private:
  [[gnu::always_inline]] void add(Hash128 hash, uint64_t index) {
    sum_.low = hash_combine(sum_.low, hash.low + index);
    sum_.high = hash_combine(sum_.high, hash.high + index);
  }
  Hash128 sum_;
};

}  // namespace

Hash128 body_digest(const Payment& payment, const FieldTable& fields) {
  Digest digest(static_cast<uint64_t>(payment.event_time.ms()) ^ 0x243f6a8885a308d3ull,
                static_cast<uint64_t>(payment.amount_minor) ^ 0x13198a2e03707344ull);
  digest.add_text(payment.card.view(), field::card);
  digest.add_text(payment.currency.code(), field::currency);
  const FieldIndex count = payment.field_count();
  for (FieldIndex f = 0; f < count; ++f) {
    if (!payment.has(f)) continue;
    const FieldSpec& spec = fields[f];
    if (spec.is_volatile) continue;
    if (spec.type == FieldType::text)
      digest.add_text(payment.text(f), f);
    else
      digest.add_word(static_cast<uint64_t>(payment.value(f).integer), f);
  }
  return digest.sum();
}

}  // namespace paywarden
