// 64-bit and 128-bit hashes for tables and keys. Fixed for ever: they stand in snapshots and in the
// journal's index. Not cryptographic; for tokens and signatures see digest.h.
//
// The scheme is multiply-fold ("wyhash", Wang Yi, public domain): 64x64->128 multiplications of
// input words xored with constants, high half xored into the low half.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace paywarden {

inline uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t load_le64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}

inline uint64_t hash64(std::string_view bytes, uint64_t seed = 0) {
  constexpr uint64_t k0 = 0xa0761d6478bd642full, k1 = 0xe7037ed1a0b428dbull,
                     k2 = 0x8ebc6af09c88c6e3ull;
  const char* p = bytes.data();
  size_t n = bytes.size();
  uint64_t h = seed ^ k0;
  for (; n > 16; p += 16, n -= 16) h = fold(load_le64(p) ^ k1, load_le64(p + 8) ^ h);
  char tail[16] = {};
  if (n) std::memcpy(tail, p, n);
  h = fold(load_le64(tail) ^ k1, load_le64(tail + 8) ^ h);
  return fold(h ^ k2, bytes.size() ^ k1);
}

// Mixes one more word in: hash_combine(hash_combine(seed, card), category).
inline uint64_t hash_combine(uint64_t h, uint64_t word) {
  return fold(h ^ 0x589965cc75374cc3ull, word ^ 0x1d8e4e27c47d124full);
}

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const Hash128&) const = default;
};

inline Hash128 hash128(std::string_view bytes) {
  return {hash64(bytes, 0x9e3779b97f4a7c15ull), hash64(bytes, 0xc2b2ae3d27d4eb4full)};
}

}  // namespace paywarden
