#include "base/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace paywarden {
namespace {

constexpr size_t kLengthMax = 40;  // beyond two turns of the 16-byte loop, with every tail

std::string text_of(size_t length) {
  std::string text;
  for (size_t i = 0; i < length; ++i) text += static_cast<char>(i * 37 + 11);
  return text;
}

// They stand in snapshots and in the journal's index: another value makes old data unreadable.
TEST(Hash, IsWhatItAlwaysWas) {
  EXPECT_EQ(hash64(""), 0x96ebbe173ff72a30u);
  EXPECT_EQ(hash64("card"), 0xf4dbe50f4bdbe736u);
  EXPECT_EQ(hash64("merchant"), 0x7951c646d0571de4u);
  EXPECT_EQ(hash64("payment-000000001"), 0x77461259668b2ae7u);
  uint64_t all = 0;
  for (size_t length = 0; length <= kLengthMax; ++length)
    all = hash_combine(all, hash64(text_of(length), length));
  EXPECT_EQ(all, 0xc83252412db39370u);
  Hash128 wide = hash128("payment-0001");
  EXPECT_EQ(wide.low, 0x0b403b8ae7ff3d25u);
  EXPECT_EQ(wide.high, 0xb7b4bb8ade38cb3fu);
}

TEST(Hash, IsTheSameWithBytesBehind) {
  for (size_t length = 0; length <= kLengthMax; ++length) {
    std::string text = text_of(length), padded = text + std::string(kHashPadding, '\x5a');
    std::string_view inside(padded.data(), length);
    EXPECT_EQ(hash64_padded(inside), hash64(text)) << length;
    EXPECT_EQ(hash128_padded(inside), hash128(text)) << length;
  }
}

TEST(Hash, EveryByteCounts) {
  for (size_t length = 0; length <= kLengthMax; ++length) {
    std::string text = text_of(length);
    std::set<uint64_t> narrow = {hash64(text)}, low = {hash128(text).low},
                       high = {hash128(text).high};
    for (char& byte : text) {
      byte ^= 1;
      narrow.insert(hash64(text));
      low.insert(hash128(text).low);
      high.insert(hash128(text).high);
      byte ^= 1;
    }
    EXPECT_EQ(narrow.size(), length + 1);
    EXPECT_EQ(low.size(), length + 1);
    EXPECT_EQ(high.size(), length + 1);
    EXPECT_NE(hash64(text), hash64(text + '\0'));
  }
}

TEST(Hash, WideIsTwoNarrowOnesOfTheirSeeds) {
  for (size_t length = 0; length <= kLengthMax; ++length) {
    std::string text = text_of(length);
    EXPECT_EQ(hash128(text).low, hash64(text, 0x9e3779b97f4a7c15u));
    EXPECT_EQ(hash128(text).high, hash64(text, 0xc2b2ae3d27d4eb4fu));
  }
}

}  // namespace
}  // namespace paywarden
