// Cryptographic digests (OpenSSL): content hashes, card tokens, webhook signatures.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paywarden {

using Sha256 = std::array<uint8_t, 32>;

inline std::string_view view_of(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Sha256 sha256(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);
std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view hex);  // either case; nothing else in it

// HMAC-SHA256 (RFC 2104) with the key's two padded blocks hashed once. One object, any number of
// threads.
class HmacKey {
 public:
  explicit HmacKey(std::string_view key);
  Sha256 sign(std::string_view message) const;

 private:
  std::array<uint32_t, 8> inner_, outer_;  // SHA-256's state behind the key's inner and outer block
};

std::string base64(std::string_view bytes);                     // RFC 4648, padded
bool base64_decode(std::string_view text, std::string& bytes);  // false: not base64
bool equal_in_constant_time(std::string_view a, std::string_view b);
// `count` bytes from the system's generator.
std::string random_bytes(size_t count);

}  // namespace paywarden
