#include "report/decision_table.h"

#include <gtest/gtest.h>

#include <unordered_map>

#include "base/random.h"
#include "report/case_list.h"

namespace paywarden {
namespace {

TEST(DecisionTable, EqualsAMapOverRandomIds) {
  Random random(3);
  DecisionTable table;
  std::unordered_map<std::string, size_t> referee;
  for (int i = 0; i < 20'000; ++i) {
    std::string id = "p" + std::to_string(random.below(12'000));
    size_t expected = referee.try_emplace(id, referee.size()).first->second;
    ASSERT_EQ(table.add(id, static_cast<double>(expected), Outcome::review), expected) << id;
  }
  EXPECT_EQ(table.size(), referee.size());
  for (const auto& [id, number] : referee) {
    ScoredPayment* found = table.find(id);
    ASSERT_NE(found, nullptr) << id;
    EXPECT_EQ(found->score, static_cast<double>(number));
  }
  EXPECT_EQ(table.find("q1"), nullptr);
  EXPECT_EQ(table.find(""), nullptr);
}

TEST(DecisionTable, ReservingChangesNothing) {
  DecisionTable table;
  table.add("a", 0.1, Outcome::approve);
  table.reserve(100'000);
  EXPECT_EQ(table.find("a")->score, 0.1);
  EXPECT_EQ(table.add("a", 0.2, Outcome::approve), 0u);
  EXPECT_EQ(table.find("a")->score, 0.1) << "the first decision stands";
}

TEST(DecisionTable, TakeGivesAllInOrderAndLeavesItEmpty) {
  DecisionTable table;
  for (int i = 0; i < 100; ++i) table.add("p" + std::to_string(i), i / 100.0, Outcome::approve);
  std::vector<ScoredPayment> all = table.take();
  ASSERT_EQ(all.size(), 100u);
  EXPECT_EQ(all[42].score, 0.42);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.find("p1"), nullptr);
  EXPECT_EQ(table.add("p1", 0, Outcome::approve), 0u);
}

Case named(const std::string& id) {
  Case shown;
  shown.payment_id = id;
  return shown;
}

TEST(CaseList, KeepsTheHighestRanksAndOfEqualsTheEarlier) {
  CaseList list(3);
  const char* ids[] = {"low", "tie1", "top", "tie2", "tie3", "lowest"};
  double ranks[] = {1, 5, 9, 5, 5, 0};
  for (size_t i = 0; i < std::size(ids); ++i) list.add(ranks[i], named(ids[i]));
  EXPECT_FALSE(list.admits(5));
  EXPECT_TRUE(list.admits(5.5));
  std::vector<Case> cases = list.take();
  ASSERT_EQ(cases.size(), 3u);
  EXPECT_EQ(cases[0].payment_id, "top");
  EXPECT_EQ(cases[1].payment_id, "tie1");
  EXPECT_EQ(cases[2].payment_id, "tie2");
}

TEST(CaseList, OfNoneTakesNone) {
  CaseList none(0);
  EXPECT_FALSE(none.admits(1));
  none.add(1, named("a"));
  EXPECT_TRUE(none.take().empty());
}

}  // namespace
}  // namespace paywarden
