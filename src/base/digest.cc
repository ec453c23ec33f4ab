// The SHA256_* functions of OpenSSL 3 are marked as deprecated in favour of EVP, which takes 700 ns for a card token
// where they take 150: it looks the algorithm up in every call, and cannot resume from a state.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>

#include "base/check.h"

namespace paywarden {
namespace {

// The state of SHA-256 behind the one block that is `key`, padded with zeros and xored with `pad`.
std::array<uint32_t, 8> state_behind(std::string_view key, uint8_t pad) {
  std::array<uint8_t, SHA256_CBLOCK> block;
  block.fill(pad);
  for (size_t i = 0; i < key.size(); ++i) block[i] ^= static_cast<uint8_t>(key[i]);
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, block.data(), block.size());
  OPENSSL_cleanse(block.data(), block.size());
  std::array<uint32_t, 8> state;
  std::copy(std::begin(context.h), std::end(context.h), state.begin());
  return state;
}

SHA256_CTX resumed(const std::array<uint32_t, 8>& state) {
  SHA256_CTX context;
  SHA256_Init(&context);
  std::copy(state.begin(), state.end(), context.h);
  context.Nl = SHA256_CBLOCK * 8;  // bits so far
  return context;
}

// What is left of a message's last block beside its end mark and length (FIPS 180-4, 5.1.1).
constexpr size_t kLastBytesMax = SHA256_CBLOCK - 9;

// The last block of a message, padded: one step of SHA-256, a third of what SHA256_Update and SHA256_Final take.
class Block {
 public:
  Block(std::string_view last, size_t bytes_before) {
    std::memcpy(bytes_, last.data(), last.size());
    bytes_[last.size()] = 0x80;
    uint64_t bits = __builtin_bswap64((bytes_before + last.size()) * 8);
    std::memcpy(bytes_ + SHA256_CBLOCK - sizeof bits, &bits, sizeof bits);
  }
  Sha256 hashed_behind(const std::array<uint32_t, 8>& state) const {
    SHA256_CTX context;
    std::copy(state.begin(), state.end(), context.h);
    SHA256_Transform(&context, bytes_);
    Sha256 digest;
    for (size_t i = 0; i < state.size(); ++i) {
      uint32_t word = __builtin_bswap32(context.h[i]);
      std::memcpy(&digest[4 * i], &word, sizeof word);
    }
    return digest;
  }
  void wipe() { OPENSSL_cleanse(bytes_, sizeof bytes_); }

 private:
  unsigned char bytes_[SHA256_CBLOCK] = {};
};

}  // namespace

Sha256 sha256(std::string_view bytes) {
  Sha256 out;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data());
  return out;
}

std::string to_hex(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out(bytes.size() * 2, '\0');
  char* to = out.data();
  for (unsigned char c : bytes) {
    *to++ = kHex[c >> 4];
    *to++ = kHex[c & 15];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2) {
    uint8_t byte = 0;
    const char* end = hex.data() + i + 2;
    auto [stopped, error] = std::from_chars(hex.data() + i, end, byte, 16);
    if (error != std::errc() || stopped != end) return std::nullopt;
    out.push_back(static_cast<char>(byte));
  }
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  return to_hex(view_of(sha256(bytes)));
}

HmacKey::HmacKey(std::string_view key) {
  Sha256 hashed;
  if (key.size() > 64) {
    hashed = sha256(key);
    key = {reinterpret_cast<const char*>(hashed.data()), hashed.size()};
  }
  inner_ = state_behind(key, 0x36);
  outer_ = state_behind(key, 0x5c);
}

Sha256 HmacKey::sign(std::string_view message) const {
  Sha256 digest;
  if (message.size() <= kLastBytesMax) {
    Block block(message, SHA256_CBLOCK);
    digest = block.hashed_behind(inner_);
    block.wipe();
  } else {
    SHA256_CTX context = resumed(inner_);
    SHA256_Update(&context, message.data(), message.size());
    SHA256_Final(digest.data(), &context);  // wipes its copy of the message
  }
  return Block(view_of(digest), SHA256_CBLOCK).hashed_behind(outer_);
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
