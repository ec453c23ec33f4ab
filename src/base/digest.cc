#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <cstring>

#include "base/check.h"

namespace paywarden {

Sha256 sha256(std::string_view bytes) {
  Sha256 out;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data());
  return out;
}

std::string to_hex(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned char c : bytes) {
    out.push_back(kHex[c >> 4]);
    out.push_back(kHex[c & 15]);
  }
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest = sha256(bytes);
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

HmacKey::HmacKey(std::string_view key) {
  Sha256 hashed;
  if (key.size() > 64) {
    hashed = sha256(key);
    key = {reinterpret_cast<const char*>(hashed.data()), hashed.size()};
  }
  inner_pad_.fill(0x36);
  outer_pad_.fill(0x5c);
  for (size_t i = 0; i < key.size(); ++i) {
    inner_pad_[i] ^= static_cast<uint8_t>(key[i]);
    outer_pad_[i] ^= static_cast<uint8_t>(key[i]);
  }
}

Sha256 HmacKey::sign(std::string_view message) const {
  std::array<uint8_t, 64 + 192> buffer;
  std::string large;
  std::string_view inner;
  if (message.size() <= 192) {
    std::memcpy(buffer.data(), inner_pad_.data(), 64);
    if (!message.empty()) std::memcpy(buffer.data() + 64, message.data(), message.size());
    inner = {reinterpret_cast<const char*>(buffer.data()), 64 + message.size()};
  } else {
    large.assign(reinterpret_cast<const char*>(inner_pad_.data()), 64);
    large.append(message);
    inner = large;
  }
  Sha256 digest = sha256(inner);
  std::array<uint8_t, 96> outer;
  std::memcpy(outer.data(), outer_pad_.data(), 64);
  std::memcpy(outer.data() + 64, digest.data(), 32);
  digest = sha256({reinterpret_cast<const char*>(outer.data()), outer.size()});
  OPENSSL_cleanse(buffer.data(), buffer.size());
  OPENSSL_cleanse(large.data(), large.size());
  return digest;
}

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                          reinterpret_cast<const unsigned char*>(bytes.data()),
                          static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(n));
  return out;
}

bool base64_decode(std::string_view text, std::string& bytes) {
  if (text.size() % 4 != 0) return false;
  bytes.resize(text.size() / 4 * 3 + 1);
  int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                          reinterpret_cast<const unsigned char*>(text.data()),
                          static_cast<int>(text.size()));
  if (n < 0) return false;
  size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  bytes.resize(static_cast<size_t>(n) - padding);
  return true;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_bytes(size_t count) {
  std::string out(count, '\0');
  int done = RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count));
  CHECK(done == 1, "the system's random generator failed");
  return out;
}

}  // namespace paywarden
