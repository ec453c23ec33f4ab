// Tokens of the card numbers that came lately, so that one that comes again is not signed again: HMAC-SHA256 takes as long as reading
// a third of a payment.
//
//   CardTokens tokens(tokeniser, 131'072);
//   uint64_t card = tokens.ask("4111111111111111");   // some work before: the table is larger than a near cache
//   tokens.of(card, "4111111111111111")               // what tokeniser.token() says, always
//
// A card has two slots to stand in, in one cache line, the one that was asked for last first: with one, cards that share it would drive
// each other out every time. No card number stands in the table: a slot holds it multiplied with secrets of this process, one to one, so that two cards never
// share a token. Who reads this memory can read the tokeniser's key beside it. Cost: 32 bytes a card that is remembered. One thread.
#pragma once

#include <memory>
#include <string_view>

#include "base/system_memory.h"
#include "intake/tokeniser.h"

namespace paywarden {

class CardTokens {
 public:
  // `remembered`: 0 for none, else a power of two, 4 or more. The tokeniser must outlive the table.
  CardTokens(const Tokeniser& tokeniser, size_t remembered);
  // `pan`: digits alone.
  uint64_t ask(std::string_view pan) const;
  CardToken of(uint64_t card, std::string_view pan);

 private:
  struct alignas(32) Slot {
    uint64_t card;  // as ask() names it; 0: free
    CardToken token;
  };
  struct alignas(64) Pair {
    Slot newer, older;
  };
  const Tokeniser& tokeniser_;
  std::unique_ptr<SystemMemory> memory_;
  Pair* pairs_ = nullptr;
  int shift_ = 0;  // from what names a card to its pair
};

}  // namespace paywarden
