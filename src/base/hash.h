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

inline uint64_t load_le32(const char* p) {
  uint32_t v;
  std::memcpy(&v, p, 4);
  return v;
}

// The first n <= 8 bytes with zeros behind them, without reading further and without a loop.
inline uint64_t load_le64_padded(const char* p, size_t n) {
  if (n >= 4) return load_le32(p) | load_le32(p + n - 4) << (8 * (n - 4));
  if (n == 0) return 0;
  auto byte = [p](size_t i) { return uint64_t{static_cast<unsigned char>(p[i])} << (8 * i); };
  return byte(0) | byte(n / 2) | byte(n - 1);
}

inline constexpr uint64_t kHashWords[] = {0xa0761d6478bd642full, 0xe7037ed1a0b428dbull,
                                          0x8ebc6af09c88c6e3ull};

// The last 0 to 16 bytes as two words.
inline void load_tail(const char* p, size_t n, uint64_t& low, uint64_t& high) {
  low = load_le64_padded(p, n < 8 ? n : 8);
  high = n > 8 ? load_le64_padded(p + 8, n - 8) : 0;
}

// The same where kHashPadding bytes behind them may be read: no branch depends on how many there are.
inline constexpr size_t kHashPadding = 16;
inline void load_padded_tail(const char* p, size_t n, uint64_t& low, uint64_t& high) {
  auto first = [](uint64_t word, size_t bytes) {
    return bytes ? word & ~uint64_t{0} >> (64 - 8 * bytes) : 0;
  };
  low = first(load_le64(p), n < 8 ? n : 8);
  high = first(load_le64(p + 8), n > 8 ? n - 8 : 0);
}

template <typename LoadTail>
[[gnu::always_inline]] inline uint64_t hash64_with(LoadTail load, std::string_view bytes,
                                                   uint64_t seed) {
  constexpr auto& k = kHashWords;
  const char* p = bytes.data();
  size_t n = bytes.size();
  uint64_t h = seed ^ k[0], low, high;
  for (; n > 16; p += 16, n -= 16) h = fold(load_le64(p) ^ k[1], load_le64(p + 8) ^ h);
  load(p, n, low, high);
  h = fold(low ^ k[1], high ^ h);
  return fold(h ^ k[2], bytes.size() ^ k[1]);
}

inline uint64_t hash64(std::string_view bytes, uint64_t seed = 0) {
  return hash64_with(load_tail, bytes, seed);
}
// Behind the bytes kHashPadding more may be read.
inline uint64_t hash64_padded(std::string_view bytes) {
  return hash64_with(load_padded_tail, bytes, 0);
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

// Two hash64 of different seeds, side by side in one pass.
template <typename LoadTail>
[[gnu::always_inline]] inline Hash128 hash128_with(LoadTail load, std::string_view bytes) {
  constexpr auto& k = kHashWords;
  const char* p = bytes.data();
  size_t n = bytes.size();
  uint64_t a = 0x9e3779b97f4a7c15ull ^ k[0], b = 0xc2b2ae3d27d4eb4full ^ k[0], low, high;
  for (; n > 16; p += 16, n -= 16) {
    low = load_le64(p) ^ k[1];
    high = load_le64(p + 8);
    a = fold(low, high ^ a);
    b = fold(low, high ^ b);
  }
  load(p, n, low, high);
  a = fold(low ^ k[1], high ^ a);
  b = fold(low ^ k[1], high ^ b);
  return {fold(a ^ k[2], bytes.size() ^ k[1]), fold(b ^ k[2], bytes.size() ^ k[1])};
}

inline Hash128 hash128(std::string_view bytes) {
  return hash128_with(load_tail, bytes);
}
inline Hash128 hash128_padded(std::string_view bytes) {
  return hash128_with(load_padded_tail, bytes);
}

}  // namespace paywarden
