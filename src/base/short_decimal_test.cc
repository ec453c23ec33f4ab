#include "base/short_decimal.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace paywarden {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The same, letter by letter.
std::optional<ShortDecimal> read_slowly(std::string text) {
  bool minus = !text.empty() && text[0] == '-';
  if (minus) text.erase(0, 1);
  if (text.empty() || text.size() > 8) return std::nullopt;
  ShortDecimal out;
  bool point = false;
  for (char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (!is_digit(c)) return std::nullopt;
    out.digits = out.digits * 10 + (c - '0');
    out.places += point;
  }
  if (!is_digit(text.front()) || !is_digit(text.back())) return std::nullopt;
  if (minus) out.digits = -out.digits;
  return out;
}

void expect_the_same(const std::string& text) {
  ShortDecimal fast;
  bool is_one = read_short_decimal(text, fast);
  auto slow = read_slowly(text);
  ASSERT_EQ(is_one, slow.has_value()) << "'" << text << "'";
  if (!is_one) return;
  EXPECT_EQ(fast.digits, slow->digits) << text;
  EXPECT_EQ(fast.places, slow->places) << text;
}

TEST(ShortDecimal, ReadsWhatIsOne) {
  ShortDecimal d;
  ASSERT_TRUE(read_short_decimal("-52.3702", d));
  EXPECT_EQ(d.digits, -523702);
  EXPECT_EQ(d.places, 4u);
  ASSERT_TRUE(read_short_decimal("12345678", d));
  EXPECT_EQ(d.digits, 12345678);
  EXPECT_EQ(d.places, 0u);
  ASSERT_TRUE(read_short_decimal("-0.000001", d));
  EXPECT_EQ(d.digits, -1);
  EXPECT_EQ(d.places, 6u);
}

TEST(ShortDecimal, LeavesWhatIsNone) {
  ShortDecimal d;
  for (const char* text : {"", "-", ".", "-.", "1.", ".5", "1.2.3", "1e5", "+1", "--1", " 1", "1 ",
                           "123456789", "1234.56789", "1,5", "0x1"})
    EXPECT_FALSE(read_short_decimal(text, d)) << text;
}

// Each length and each place of a point or of another character.
TEST(ShortDecimal, ReadsAsLetterByLetter) {
  Random random(7);
  const std::string_view digits = "0123456789", others("./:-+eE \t,\x00\x80\xb0\xff", 14);
  for (int round = 0; round < 200'000; ++round) {
    std::string text;
    for (size_t i = random.below(11); i > 0; --i) text += digits[random.below(digits.size())];
    if (!text.empty() && random.chance(0.7)) text[random.below(text.size())] = '.';
    if (!text.empty() && random.chance(0.3))
      text[random.below(text.size())] = others[random.below(others.size())];
    if (random.chance(0.3)) text.insert(text.begin(), '-');
    expect_the_same(text);
  }
  for (int byte = 0; byte < 256; ++byte) {
    expect_the_same(std::string(1, static_cast<char>(byte)));
    expect_the_same("1" + std::string(1, static_cast<char>(byte)) + "2");
    expect_the_same("123456" + std::string(1, static_cast<char>(byte)));
  }
}

}  // namespace
}  // namespace paywarden
