#include "base/crc32c.h"

#include <immintrin.h>

#include <array>
#include <cstring>

namespace paywarden {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr uint32_t times_x(uint32_t v) {
  return (v >> 1) ^ (v & 1 ? kPolynomial : 0);
}

using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
    tables[0][i] = crc;
  }
  for (size_t t = 1; t < 8; ++t)
    for (size_t i = 0; i < 256; ++i)
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
  return tables;
}

constexpr Tables kTables = make_tables();

uint64_t load64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}

// A CRC of 8 bytes takes 3 cycles but a new one can start every cycle, so three lanes run side by
// side and are joined by a carry-less multiplication (Gopal et al., "Fast CRC Computation for iSCSI
// Polynomial Using CRC32 Instruction", 2011). kShift[i] = x^(64 i - 33) mod P: clmul with it, then
// crc32 of the product, moves a CRC past i words.
constexpr size_t kLaneWordsMax = 64;

constexpr std::array<uint32_t, 2 * kLaneWordsMax + 1> make_shifts() {
  std::array<uint32_t, 2 * kLaneWordsMax + 1> shifts{};
  uint32_t power = 1;  // x^31, reflected
  for (size_t i = 1; i < shifts.size(); ++i) {
    shifts[i] = power;
    for (int bit = 0; bit < 64; ++bit) power = times_x(power);
  }
  return shifts;
}

constexpr auto kShift = make_shifts();

#define PAYWARDEN_CRC_TARGET __attribute__((target("sse4.2,pclmul")))

PAYWARDEN_CRC_TARGET inline uint64_t moved(uint64_t crc, size_t words) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(crc)),
                                         _mm_cvtsi32_si128(static_cast<int>(kShift[words])), 0);
  return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
}

// Three lanes of `words` words each, from p on.
PAYWARDEN_CRC_TARGET inline uint64_t three_lanes(uint64_t a, const char* p, size_t words) {
  uint64_t b = 0, c = 0;
  const char *pb = p + 8 * words, *pc = p + 16 * words;
  for (size_t i = 0; i + 1 < words; ++i) {
    a = _mm_crc32_u64(a, load64(p + 8 * i));
    b = _mm_crc32_u64(b, load64(pb + 8 * i));
    c = _mm_crc32_u64(c, load64(pc + 8 * i));
  }
  a = _mm_crc32_u64(a, load64(pb - 8));
  b = _mm_crc32_u64(b, load64(pc - 8));
  uint64_t last = load64(pc + 8 * (words - 1));
  return _mm_crc32_u64(c, last ^ moved(a, 2 * words) ^ moved(b, words));
}

PAYWARDEN_CRC_TARGET uint32_t crc32c_by_instruction(std::string_view bytes, uint32_t before) {
  const char* p = bytes.data();
  size_t n = bytes.size();
  uint64_t crc = ~before;
  while (n >= 72) {  // below, joining the lanes costs more than they save
    size_t words = n / 24 < kLaneWordsMax ? n / 24 : kLaneWordsMax;
    crc = three_lanes(crc, p, words);
    p += 24 * words;
    n -= 24 * words;
  }
  for (; n >= 8; p += 8, n -= 8) crc = _mm_crc32_u64(crc, load64(p));
  uint32_t low = static_cast<uint32_t>(crc);
  for (; n > 0; ++p, --n) low = _mm_crc32_u8(low, static_cast<uint8_t>(*p));
  return ~low;
}

using Implementation = uint32_t (*)(std::string_view, uint32_t);

Implementation chosen() {
  static const Implementation choice =
      crc32c_has_hardware() ? crc32c_by_instruction : crc32c_by_table;
  return choice;
}

}  // namespace

bool crc32c_has_hardware() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

uint32_t crc32c(std::string_view bytes, uint32_t before) {
  return chosen()(bytes, before);
}

uint32_t crc32c_by_table(std::string_view bytes, uint32_t before) {
  const char* p = bytes.data();
  size_t n = bytes.size();
  uint32_t crc = ~before;
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t word = load64(p) ^ crc;
    crc = 0;
    for (size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (; n > 0; ++p, --n) crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint8_t>(*p)) & 0xff];
  return ~crc;
}

}  // namespace paywarden
