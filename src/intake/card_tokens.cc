#include "intake/card_tokens.h"

#include <bit>
#include <random>
#include <utility>

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
  CHECK(remembered >= 4 && std::has_single_bit(remembered), "as many slots as bits can name");
  const size_t pairs = remembered / 2;
  memory_ = std::make_unique<SystemMemory>(pairs * sizeof(Pair));  // zeros
  pairs_ = reinterpret_cast<Pair*>(memory_->data());
  shift_ = 64 - std::countr_zero(pairs);
}

uint64_t CardTokens::ask(std::string_view pan) const {
  if (!pairs_ || pan.size() > kDigitsMax) return kNotKept;
  const uint64_t card = scrambled(number_of(pan));
  prefetch_line(&pairs_[card >> shift_]);
  return card;
}

CardToken CardTokens::of(uint64_t card, std::string_view pan) {
  if (card == kNotKept) return tokeniser_.token(pan);
  Pair& pair = pairs_[card >> shift_];
  if (pair.newer.card == card) return pair.newer.token;
  std::swap(pair.newer, pair.older);
  if (pair.newer.card != card) pair.newer = {card, tokeniser_.token(pan)};
  return pair.newer.token;
}

}  // namespace paywarden
