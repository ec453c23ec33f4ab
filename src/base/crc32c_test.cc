#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace paywarden {
namespace {

// The definition, a bit at a time.
uint32_t crc32c_by_bits(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
  }
  return ~crc;
}

TEST(Crc32c, KnownAnswers) {  // RFC 3720, appendix B.4
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(Crc32c, InstructionTableAndDefinitionAgreeAtEveryLength) {
  Random random(1);
  std::string bytes(5000, '\0');
  for (char& c : bytes) c = static_cast<char>(random.next());
  for (size_t n = 0; n < 2000; ++n) {
    std::string_view part = std::string_view(bytes).substr(n % 13, n);
    uint32_t expected = crc32c_by_bits(part);
    ASSERT_EQ(crc32c_by_table(part), expected) << n;
    ASSERT_EQ(crc32c(part), expected) << n;
  }
  EXPECT_EQ(crc32c(bytes), crc32c_by_bits(bytes));
}

TEST(Crc32c, GoesOnWhereItStopped) {
  Random random(2);
  std::string bytes(700, '\0');
  for (char& c : bytes) c = static_cast<char>(random.next());
  std::string_view all = bytes;
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    ASSERT_EQ(crc32c(all.substr(cut), crc32c(all.substr(0, cut))), crc32c(all));
    ASSERT_EQ(crc32c_by_table(all.substr(cut), crc32c_by_table(all.substr(0, cut))), crc32c(all));
  }
}

}  // namespace
}  // namespace paywarden
