#include "base/spelling.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace paywarden {
namespace {

TEST(Spelling, Distances) {
  struct Row {
    const char *a, *b;
    size_t edits;
  };
  for (Row row : {Row{"", "", 0}, Row{"", "abc", 3}, Row{"amount", "amount", 0},
                  Row{"AND", "and", 0}, Row{"amonut", "amount", 1}, Row{"kitten", "sitting", 3},
                  Row{"ca", "abc", 3}, Row{"adn", "and", 1}}) {
    EXPECT_EQ(edit_distance(row.a, row.b), row.edits) << row.a << " " << row.b;
    EXPECT_EQ(edit_distance(row.b, row.a), row.edits) << row.b << " " << row.a;
  }
  EXPECT_EQ(edit_distance(std::string(1000, 'a'), std::string(900, 'b')), 64u)
      << "long words are cut";
}

TEST(Spelling, NearestWord) {
  std::array<std::string_view, 3> words = {"amount", "merchant", "or"};
  EXPECT_EQ(nearest_word("amonut", words), "amount");
  EXPECT_EQ(nearest_word("merchants", words), "merchant");
  EXPECT_EQ(nearest_word("ro", words), "or");
  EXPECT_EQ(nearest_word("xyz", words), "");
  EXPECT_EQ(nearest_word("", words), "");
}

}  // namespace
}  // namespace paywarden
