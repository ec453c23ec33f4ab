#include "notify/log_follower.h"

#include <gtest/gtest.h>

#include "notify/test_kit.h"

namespace paywarden {
namespace {

// FakeLog behind the port; visits hand out a buffer that is overwritten, as a reused read buffer
// would be.
struct PortedLog : Log {
  Result<uint64_t> append(std::span<const RecordToWrite>) override { return fail("read only"); }
  bool usable() const override { return true; }
  uint64_t first_sequence() const override { return first; }
  uint64_t durable_end() const override { return std::min(fake.end(), end); }
  bool wait_for(uint64_t sequence, Duration) const override {
    if (sequence < durable_end()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return false;
  }
  Result<uint64_t> read(uint64_t from, const RecordVisitor& visit) const override {
    for (const RecordView& record : fake.from(from)) {
      if (record.sequence >= durable_end()) break;
      std::string buffer(record.bytes);
      bool more = visit({record.sequence, record.kind, buffer, 0});
      std::fill(buffer.begin(), buffer.end(), '?');
      from = record.sequence + 1;
      if (!more) break;
    }
    return from;
  }
  Result<Record> record(uint64_t) const override { return fail("unused"); }
  Result<std::vector<uint64_t>> find(uint64_t, size_t) const override { return fail("unused"); }
  Result<uint64_t> drop_before(uint64_t) override { return fail("unused"); }
  FakeLog fake;
  uint64_t first = 1, end = UINT64_MAX;
};

struct Fixture {
  TemporaryFolder folder;
  PortedLog log;
  ManualClock clock{FakeLog::kStart};
  SilentLog silent;
  std::unique_ptr<Store> store = *Store::open({.path = folder.file("center.db")});
  Alerting alerting{*store, log.fake.fields(), {}, {clock, silent, {}, {}}};
};

TEST(LogFollower, CarriesTheLogInBatches) {
  Fixture f;
  for (int i = 0; i < 50; ++i)
    f.log.fake.both("p" + std::to_string(i), {.card = "C" + std::to_string(i)}, Outcome::review);
  LogFollower follower(f.log, f.alerting, {.batch_records_max = 7}, f.silent);
  ASSERT_TRUE(follower.start(f.log.durable_end()));
  for (int i = 0; i < 500 && follower.lag() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  follower.stop();
  EXPECT_EQ(follower.next(), f.log.fake.end());
  EXPECT_EQ(f.store->counts()->open, 50);
}

TEST(LogFollower, StartsBehindWhatWasCut) {
  Fixture f;
  for (int i = 0; i < 10; ++i)
    f.log.fake.both("p" + std::to_string(i), {.card = "C" + std::to_string(i)}, Outcome::review);
  f.log.first = 11;
  LogFollower follower(f.log, f.alerting, {.wait = hours(1)}, f.silent);
  ASSERT_TRUE(follower.start(f.log.durable_end()));
  for (int i = 0; i < 500 && follower.lag() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  follower.stop();
  EXPECT_EQ(f.store->counts()->open, 5);
}

// What retention may drop is told by the store, not by how far the thread has read.
TEST(LogFollower, NeedsTheLogFromTheOldestUndecidedPayment) {
  Fixture f;
  f.log.fake.both("p1", {}, Outcome::review);
  f.log.fake.payment("p2", {});
  f.log.fake.both("p3", {}, Outcome::review);
  LogFollower follower(f.log, f.alerting, {}, f.silent);
  ASSERT_TRUE(f.alerting.start());
  while (*follower.step() > 0) {
  }
  EXPECT_EQ(follower.next(), 6u);
  EXPECT_EQ(follower.needed_from(), 3u);
}

TEST(LogFollower, GoesOnFromTheEndOfALogThatWasCut) {
  Fixture f;
  for (int i = 0; i < 10; ++i)
    f.log.fake.both("p" + std::to_string(i), {.card = "C" + std::to_string(i)}, Outcome::review);
  LogFollower follower(f.log, f.alerting, {}, f.silent);
  ASSERT_TRUE(f.alerting.start());
  while (*follower.step() > 0) {
  }
  f.log.end = 11;
  ASSERT_TRUE(follower.start(f.log.durable_end()));
  for (int i = 0; i < 500 && follower.lag() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  follower.stop();
  EXPECT_EQ(follower.next(), 11u);
  EXPECT_EQ(f.alerting.applied_to(), 11u);
}

}  // namespace
}  // namespace paywarden
