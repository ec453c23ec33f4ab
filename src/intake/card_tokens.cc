#include "intake/card_tokens.h"

#include <bit>
#include <random>

#include "base/check.h"
#include "base/prefetch.h"

namespace paywarden {
namespace {

constexpr size_t kDigitsMax = 18;  // with a leading 1, which tells "012" from "12", below 2^64

constexpr uint64_t kNotKept = 0;  // also one of 2^64 cards

struct Secrets {
  uint64_t mask, factor, second_factor;  // factors are odd, so that multiplying loses nothing
};

const Secrets kSecrets = [] {
  std::random_device random;
  auto word = [&random] { return uint64_t{random()} << 32 | random(); };
  return Secrets{word(), word() | 1, word() | 1};
}();

uint64_t number_of(std::string_view digits) {
  uint64_t number = 1;
  for (char c : digits) number = number * 10 + static_cast<uint64_t>(c - '0');
  return number;
}

uint64_t scrambled(uint64_t number) {
  uint64_t word = (number ^ kSecrets.mask) * kSecrets.factor;
  return (word ^ word >> 32) * kSecrets.second_factor;
}

}  // namespace

CardTokens::CardTokens(const Tokeniser& tokeniser, size_t remembered) : tokeniser_(tokeniser) {
  if (remembered == 0) return;
  CHECK(remembered > 1 && std::has_single_bit(remembered), "as many slots as bits can name");
  memory_ = std::make_unique<SystemMemory>(remembered * sizeof(Slot));  // zeros
  slots_ = reinterpret_cast<Slot*>(memory_->data());
  shift_ = 64 - std::countr_zero(remembered);
}

uint64_t CardTokens::ask(std::string_view pan) const {
  if (!slots_ || pan.size() > kDigitsMax) return kNotKept;
  const uint64_t card = scrambled(number_of(pan));
  prefetch_line(&slots_[card >> shift_]);
  return card;
}

CardToken CardTokens::of(uint64_t card, std::string_view pan) {
  if (card == kNotKept) return tokeniser_.token(pan);
  Slot& slot = slots_[card >> shift_];
  if (slot.card != card) slot = {card, tokeniser_.token(pan)};
  return slot.token;
}

}  // namespace paywarden
