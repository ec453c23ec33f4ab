#include "intake/tokeniser.h"

#include <cstring>

namespace paywarden {

Result<Tokeniser> Tokeniser::create(std::string_view key, std::string key_id) {
  if (key.size() < kTokenKeyBytesMin)
    return fail("the card token key '" + key_id + "' has " + std::to_string(key.size()) + " bytes",
                {}, "use at least 16 random bytes: openssl rand -hex 32");
  if (key_id.empty())
    return fail("the card token key has no id", {}, "name it, by its month for example");
  return Tokeniser(key, std::move(key_id));
}

CardToken Tokeniser::token(std::string_view card) const {
  Sha256 digest = key_.sign(card);
  CardToken token;
  std::memcpy(token.bytes.data(), digest.data(), token.bytes.size());
  return token;
}

}  // namespace paywarden
