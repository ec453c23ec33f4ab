// From a card number to what the rest of the program knows of a card: a token that only the key's
// holder can make, and a masked form for people.
//
//   Result<Tokeniser> tokeniser = Tokeniser::create(key_bytes, "2026-11");
//   CardToken token = tokeniser->token("4111111111111111");
//
// The token is HMAC-SHA256(key, digits), its first 128 bits (RFC 2104, RFC 4868 on cutting). The
// same card has the same token as long as the key is the same; `key_id` names the key wherever
// tokens rest. One object, any number of threads.
#pragma once

#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"
#include "payment/payment.h"

namespace paywarden {

// There are only about 10^9 card numbers behind one BIN: the token is as strong as the key is
// secret and long.
inline constexpr size_t kTokenKeyBytesMin = 16;

class Tokeniser {
 public:
  static Result<Tokeniser> create(std::string_view key, std::string key_id);

  // `card`: the digits alone, or an id that stands for a card.
  CardToken token(std::string_view card) const;
  const std::string& key_id() const { return key_id_; }

 private:
  Tokeniser(std::string_view key, std::string key_id) : key_(key), key_id_(std::move(key_id)) {}
  HmacKey key_;
  std::string key_id_;
};

}  // namespace paywarden
