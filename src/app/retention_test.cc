#include "app/retention.h"

#include <gtest/gtest.h>

#include "notify/test_kit.h"

namespace paywarden {
namespace {

// Payments at the sequences 1, 2, 3 ... of those days; reading counts, and fails from `damaged` on.
struct DatedLog : Log {
  explicit DatedLog(std::initializer_list<int> event_days) {
    for (int day : event_days) fake.payment("p" + std::to_string(day), {.at = days(day)});
  }
  Result<uint64_t> append(std::span<const RecordToWrite>) override { return fail("read only"); }
  bool usable() const override { return true; }
  uint64_t first_sequence() const override { return first; }
  uint64_t durable_end() const override { return fake.end(); }
  bool wait_for(uint64_t, Duration) const override { return true; }
  Result<uint64_t> drop_before(uint64_t) override { return fail("unused"); }
  Result<Record> record(uint64_t) const override { return fail("unused"); }
  Result<std::vector<uint64_t>> find(uint64_t, size_t) const override { return fail("unused"); }
  Result<uint64_t> read(uint64_t from, const RecordVisitor& visit) const override {
    for (const RecordView& record : fake.from(from)) {
      if (record.sequence >= damaged) return fail("damaged");
      ++looked_at;
      from = record.sequence + 1;
      if (!visit(record)) break;
    }
    return from;
  }
  FakeLog fake;
  uint64_t first = 1, damaged = 100;
  mutable int looked_at = 0;
};

EventTime day(int n) {
  return FakeLog::kStart + days(n);
}

uint64_t old_until(const DatedLog& log, uint64_t keep, int reach_day) {
  Retention retention(log.fake.fields());
  retention.advance(log, keep, day(reach_day));
  return retention.old_until();
}

TEST(Retention, EndsAtTheFirstPaymentThatIsStillNeeded) {
  EXPECT_EQ(old_until(DatedLog{1, 2, 3, 4}, 100, 3), 3u);
  EXPECT_EQ(old_until(DatedLog{1, 2, 3, 4}, 100, 9), 5u);
  EXPECT_EQ(old_until(DatedLog{1, 2, 3, 4}, 100, 1), 1u);
  EXPECT_EQ(old_until(DatedLog{1, 2, 3, 4}, 2, 9), 2u) << "a consumer still reads there";
}

TEST(Retention, APaymentThatIsDatedLongAgoLetsNothingGo) {
  EXPECT_EQ(old_until(DatedLog{1, 8, 8, 8, -9000, -9000, -9000, 8}, 100, 5), 2u);
}

TEST(Retention, GoesOnWhereItWas) {
  DatedLog log{1, 2, 3, 4};
  Retention retention(log.fake.fields());
  retention.advance(log, 100, day(3));
  EXPECT_EQ(log.looked_at, 3);
  retention.advance(log, 100, day(4));
  EXPECT_EQ(retention.old_until(), 4u);
  EXPECT_EQ(log.looked_at, 5) << "the third again, and the fourth";
  log.first = 5;
  retention.advance(log, 5, day(9));
  EXPECT_EQ(retention.old_until(), 5u);
}

TEST(Retention, KeepsWhatCannotBeRead) {
  DatedLog log{1, 2, 3};
  log.damaged = 2;
  EXPECT_EQ(old_until(log, 100, 9), 2u);
}

}  // namespace
}  // namespace paywarden
