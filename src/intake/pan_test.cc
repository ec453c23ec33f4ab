#include "intake/pan.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "intake/card_tokens.h"
#include "intake/tokeniser.h"

namespace paywarden {
namespace {

TEST(Pan, Luhn) {
  for (const char* good :
       {"4111111111111111", "5555555555554444", "378282246310005", "30569309025904", "79927398713"})
    EXPECT_TRUE(passes_luhn(good)) << good;
  for (const char* bad : {"4111111111111112", "378282246310006", "1234567890123456"})
    EXPECT_FALSE(passes_luhn(bad)) << bad;
}

TEST(Pan, ReadFromACardField) {
  const struct {
    const char* text;
    PanCheck check;
    RejectReason reason;
    const char* masked;
  } rows[] = {
      {"4111111111111111", PanCheck::luhn, RejectReason::none, "411111******1111"},
      {"4111 1111-1111 1111", PanCheck::luhn, RejectReason::none, "411111******1111"},
      {"378282246310005", PanCheck::luhn, RejectReason::none, "378282*****0005"},
      {"4111111111111112", PanCheck::luhn, RejectReason::pan_luhn, ""},
      {"4111111111111112", PanCheck::length, RejectReason::none, "411111******1112"},
      {"41111111111", PanCheck::length, RejectReason::pan_length, ""},
      {"41111111111111111111", PanCheck::length, RejectReason::pan_length, ""},
      {"4111x11111111111", PanCheck::length, RejectReason::pan_digits, ""},
      {"4.111e15", PanCheck::length, RejectReason::pan_digits, ""},
  };
  for (const auto& row : rows) {
    PanDigits pan;
    EXPECT_EQ(read_pan(row.text, row.check, pan), row.reason) << row.text;
    if (row.reason == RejectReason::none) {
      MaskedCard masked;
      mask_pan(pan.view(), masked);
      EXPECT_EQ(masked.view(), row.masked);
    }
  }
}

TEST(Pan, MaskedInFreeText) {
  const struct {
    const char* text;
    const char* masked;
  } rows[] = {
      {"card 4111111111111111.", "card 411111******1111."},
      {"4111 1111 1111 1111", "4111 11** **** 1111"},
      {"4111-1111-1111-1111 and 5555555555554444", "4111-11**-****-1111 and 555555******4444"},
      {"4111.1111.1111.1111", "4111.11**.****.1111"},
      {"4111/1111_1111\t1111", "4111/11**_****\t1111"},
      {"4111\n1111\r\n1111\n1111", "4111\n11**\r\n****\n1111"},
      {"4111 - 1111 - 1111 - 1111", "4111 - 1111 - 1111 - 1111"},  // three separators: four numbers
      {"4111\xc2\xa0"
       "1111\xc2\xa0"
       "1111\xc2\xa0"
       "1111",
       "4111\xc2\xa0"
       "11**\xc2\xa0"
       "****\xc2\xa0"
       "1111"},
      {"4111\u200b1111\u2060\u00ad1111\ufeff1111", "4111\u200b11**\u2060\u00ad****\ufeff1111"},
      {"4111\u200b\u200b\u200b1111 1111 1111", "4111\u200b\u200b\u200b1111 1111 1111"},  // three
      {"4111\u20111111\u30001111\u202f1111", "4111\u201111**\u3000****\u202f1111"},
      {"x4111111111111111y", "x411111******1111y"},
      {"1592741698", "1592741698"},
      {"2020-06-21 12:14:58", "2020-06-21 12:14:58"},
      {"0000000000000000", "0000000000000000"},
      {"4111111100806360", "4111111100806360"},  // no 13 or more of its digits pass the check
      {"", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(mask_pans(row.text), row.masked);
}

TEST(Pan, NoneIsLeftAfterMasking) {
  Random random(3);
  const std::string_view alphabet = "0123456789012345678901234567890123456789 -./a,";
  for (int i = 0; i < 20'000; ++i) {
    std::string s;
    for (int64_t n = random.between(0, 60); n > 0; --n)
      s += alphabet[random.below(alphabet.size())];
    std::string masked = mask_pans(s);
    ASSERT_TRUE(find_pans(masked).empty()) << s;
    ASSERT_EQ(masked.size(), s.size());
    if (!may_hold_pan(s)) {
      ASSERT_TRUE(find_pans(s).empty()) << s;
    }
  }
}

// Every place by the definition, slowly: any two digits with at most two separators between
// neighbours.
TEST(Pan, FoundAsByTheDefinition) {
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  Random random(4);
  const std::string_view alphabet = "12345678901234567890 -a";
  for (int i = 0; i < 3'000; ++i) {
    std::string s;
    for (int64_t n = random.between(10, 45); n > 0; --n)
      s += alphabet[random.below(alphabet.size())];
    size_t expected = 0;
    for (size_t from = 0; from < s.size(); ++from) {
      std::string digits;
      size_t gap = 0;
      for (size_t at = from; at < s.size() && is_digit(s[from]) && gap <= 2 && digits.size() < 19;
           ++at) {
        if (s[at] == 'a') break;
        gap = is_digit(s[at]) ? 0 : gap + 1;
        if (!is_digit(s[at])) continue;
        digits += s[at];
        expected += digits.size() >= 13 && passes_luhn(digits);
      }
    }
    ASSERT_EQ(find_pans(s).size(), expected) << s;
  }
}

TEST(Pan, StandingAlone) {
  EXPECT_TRUE(has_separate_pan("4111111111111111"));
  EXPECT_TRUE(has_separate_pan("order-4111111111111111"));
  EXPECT_TRUE(has_separate_pan("4111 1111 1111 1111/7"));
  EXPECT_FALSE(has_separate_pan("a4111111111111111f"));
  EXPECT_FALSE(has_separate_pan("41111111111111114"));
  EXPECT_TRUE(has_digits("tx4111-1111-1111-1111x", "4111111111111111"));
  EXPECT_FALSE(has_digits("tx4111-1111-1111x1111", "4111111111111111"));
  EXPECT_TRUE(has_digits("4111   1111   1111 - - 1111", "4111111111111111"));
}

TEST(Pan, ARefusedCardFieldShowsNoMore) {
  EXPECT_EQ(masked_refused_pan("4111111111111112"), "411111******1112");
  EXPECT_EQ(masked_refused_pan("4111 1111 1111 111O"), "4111 11** ***1 111O");
  EXPECT_EQ(masked_refused_pan("41111"), "*****");
  EXPECT_EQ(masked_refused_pan("411111111111111141111111111111"), "******************************");
}

TEST(Tokeniser, HmacOfTheDigits) {
  Tokeniser tokeniser = *Tokeniser::create("0123456789abcdef", "k1");
  // printf 4111111111111111 | openssl dgst -sha256 -hmac 0123456789abcdef
  EXPECT_EQ(tokeniser.token("4111111111111111").hex(), "6ab68ca2a9a5093ababdf00856c5692b");
  EXPECT_EQ(tokeniser.key_id(), "k1");
  EXPECT_NE(tokeniser.token("4111111111111111"),
            Tokeniser::create("0123456789abcdeg", "k1")->token("4111111111111111"));
  EXPECT_FALSE(Tokeniser::create("short", "k1"));
  EXPECT_FALSE(Tokeniser::create("0123456789abcdef", ""));
}

TEST(CardTokens, AreTheTokenisers) {
  Tokeniser tokeniser = *Tokeniser::create("0123456789abcdef", "k1");
  std::vector<std::string> pans;
  for (size_t length = kPanDigitsMin; length <= kPanDigitsMax; ++length)
    for (char c : {'0', '1', '9'}) pans.push_back(std::string(length, c));
  for (int i = 0; i < 200; ++i) pans.push_back(std::to_string(4'000'000'000'000'000 + i));
  for (size_t remembered : {0u, 4u, 64u, 1024u}) {  // of 4, nearly all take the place of another
    CardTokens tokens(tokeniser, remembered);
    for (size_t i = 0; i < 3 * pans.size(); ++i)
      for (size_t back :
           {0, 1, 2, 0}) {  // of cards that share their slots, each is asked for again
        const std::string& pan = pans[(i + pans.size() - back) % pans.size()];
        ASSERT_EQ(tokens.of(tokens.ask(pan), pan), tokeniser.token(pan)) << pan;
      }
  }
}

}  // namespace
}  // namespace paywarden
