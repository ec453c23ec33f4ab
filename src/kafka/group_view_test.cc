#include "kafka/group_view.h"

#include <gtest/gtest.h>

namespace paywarden {
namespace {

// As RangeAssignor says it: start and length of each member's run.
std::vector<size_t> assigned(int32_t partitions, size_t members) {
  std::vector<size_t> out;
  size_t each = static_cast<size_t>(partitions) / members;
  size_t longer = static_cast<size_t>(partitions) % members;
  for (size_t member = 0; member < members; ++member)
    out.insert(out.end(), each + (member < longer ? 1 : 0), member);
  return out;
}

TEST(GroupView, RangesAreThoseOfTheAssignor) {
  for (int32_t partitions = 1; partitions <= 20; ++partitions)
    for (size_t members = 1; members <= 22; ++members) {
      auto expected = assigned(partitions, members);
      for (int32_t p = 0; p < partitions; ++p)
        ASSERT_EQ(range_member(p, partitions, members), expected[static_cast<size_t>(p)])
            << p << " of " << partitions << " with " << members;
    }
}

TEST(GroupView, ReadsWhatAMemberIsAssigned) {
  const std::string bytes(
      "\x00\x01\x00\x00\x00\x02"
      "\x00\x05other\x00\x00\x00\x01\x00\x00\x00\x07"
      "\x00\x08payments\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x01\x00"
      "\xff\xff\xff\xff",
      2 + 4 + 7 + 8 + 10 + 12 + 4);
  EXPECT_EQ(partitions_in(bytes, "payments"), (std::vector<int32_t>{3, 256}));
  EXPECT_EQ(partitions_in(bytes, "other"), (std::vector<int32_t>{7}));
  EXPECT_EQ(partitions_in(bytes, "none"), std::vector<int32_t>());
  // Cut short anywhere: what was whole, and nothing else.
  for (size_t n = 0; n < bytes.size(); ++n) {
    auto some = partitions_in(std::string_view(bytes).substr(0, n), "payments");
    EXPECT_LE(some.size(), 2u);
    EXPECT_TRUE(some.empty() || some[0] == 3) << n;
  }
}

TEST(GroupView, TheHeirHasAPartitionOnceItsOwnerIsGone) {
  GroupView view{true, {"a", "b", "c"}, {{0, "a"}, {1, "a"}, {2, "b"}, {3, "c"}}};
  const struct {
    int32_t partition;
    const char* heir;
  } rows[] = {{0, "b"}, {1, "b"}, {2, "c"}, {3, "b"}};
  for (const auto& row : rows) EXPECT_EQ(view.heir(row.partition, 4), row.heir) << row.partition;
  EXPECT_FALSE(view.heir(4, 4)) << "nobody has it";
  GroupView alone{true, {"a"}, {{0, "a"}}};
  EXPECT_FALSE(alone.heir(0, 1));
}

}  // namespace
}  // namespace paywarden
