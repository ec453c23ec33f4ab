#include "stream/group_agreement.h"

#include <gtest/gtest.h>

namespace paywarden {
namespace {

using Records = std::map<std::string, std::string>;

GroupAgreement of(const std::string& group, const std::string& key = "k1") {
  return {group, {"decisions", "by-card"}, key, {}};
}

TEST(GroupAgreement, TheFirstInstanceSaysAllAndTheNextNothing) {
  SaidByGroups said;
  auto first = to_say(said, of("a"), "groups");
  ASSERT_TRUE(first);
  EXPECT_EQ(*first,
            (Records{{"topic:decisions", "a"}, {"topic:by-card", "a"}, {"card_key:a", "k1"}}));
  for (const auto& [key, value] : *first) said.hear(key, value);
  EXPECT_EQ(*to_say(said, of("a"), "groups"), Records());
}

TEST(GroupAgreement, AnotherGroupMayNotWriteTheSameTopics) {
  SaidByGroups said;
  said.hear("topic:by-card", "a");
  auto refused = to_say(said, of("b"), "groups");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().line().find("the topic 'by-card' is written by the group 'a'"),
            std::string::npos)
      << refused.error().line();
  said.hear("topic:by-card", "");  // taken back
  EXPECT_TRUE(to_say(said, of("b"), "groups"));
}

TEST(GroupAgreement, AnotherCardKeyMayNotJoin) {
  SaidByGroups said;
  said.hear("card_key:a", "k1");
  auto refused = to_say(said, of("a", "k2"), "groups");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().line().find("the card key is not the one of the group 'a'"),
            std::string::npos)
      << refused.error().line();
  EXPECT_TRUE(to_say(said, of("b", "k2"), "groups"));
}

// Two groups begin at the same moment: both have written before either reads again.
TEST(GroupAgreement, OfTwoAtOnceTheFirstStays) {
  SaidByGroups said;
  for (const char* group : {"a", "b"})
    for (const char* topic : {"topic:decisions", "topic:by-card"}) said.hear(topic, group);
  EXPECT_FALSE(to_say(said, of("b"), "groups"));
  auto stays = to_say(said, of("a"), "groups");
  ASSERT_TRUE(stays);
  // Once more, for when the topic is compacted: then only the last is left.
  EXPECT_EQ(stays->count("topic:decisions"), 1u);
}

TEST(GroupAgreement, TheCenterMoves) {
  SaidByGroups said;
  GroupAgreement agreement = of("a");
  agreement.center_on = "1";
  EXPECT_EQ(to_say(said, agreement, "groups")->at("center:a"), "1");
  said.hear("center:a", "1");
  EXPECT_EQ(to_say(said, agreement, "groups")->count("center:a"), 0u);
  agreement.center_on = "2";
  EXPECT_EQ(to_say(said, agreement, "groups")->at("center:a"), "2");
  said.hear("center:a", "2");
  EXPECT_EQ(said.last("center:a"), "2");
}

}  // namespace
}  // namespace paywarden
