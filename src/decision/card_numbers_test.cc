#include "decision/card_numbers.h"

#include <gtest/gtest.h>

#include <string>

namespace paywarden {
namespace {

TEST(CardNumbers, FoundWhereverTheyStand) {
  struct Row {
    const char* text;
    int at;
  };
  for (Row row : {Row{"4111111111111111", 0}, Row{"see 4111 1111 1111 1111, twice", 4},
                  Row{"4111-1111-1111-1111", 0}, Row{"PAN5500005555555559x", 3},
                  Row{"2000 378282246310005", 5}, Row{"6011.0009/9013 9424", 0},
                  Row{"4222222222222", 0}, Row{"6304000000000000000", 0}})
    EXPECT_EQ(find_card_number(row.text), static_cast<size_t>(row.at)) << row.text;
}

TEST(CardNumbers, OtherNumbersPass) {
  for (const char* text :
       {"", "4111111111111112", "411111111111", "0000000000000000", "41111111111111111111",
        "4111 1111  1111 1111", "amount > 2000 and card_count_10m >= 5", "2026-01-31",
        // a token with a Luhn-valid run of digits in it
        "ab4111111111111111cdef0123456789"})
    EXPECT_FALSE(find_card_number(text)) << text;
  EXPECT_TRUE(find_card_number("ab4111111111111111cdef012345678")) << "31 digits are no token";
  EXPECT_TRUE(find_card_number("ab4111111111111111cdef0123456789, 4111111111111111"));
}

TEST(CardNumbers, Tokens) {
  EXPECT_TRUE(is_card_token("00112233445566778899aabbccddeeff"));
  EXPECT_FALSE(is_card_token("00112233445566778899AABBCCDDEEFF"));
  EXPECT_FALSE(is_card_token("00112233445566778899aabbccddeef"));
}

}  // namespace
}  // namespace paywarden
