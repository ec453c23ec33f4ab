#include "notify/recent_payments.h"

#include <gtest/gtest.h>

#include "base/simulated_files.h"

namespace paywarden {
namespace {

constexpr const char* kFirstFile = "/recent/recent-0000000001.pwr";

CardToken card(uint8_t number) {
  CardToken token;
  token.bytes[0] = number;
  return token;
}

struct Fixture {
  explicit Fixture(RecentOptions wanted = {}, uint64_t seed = 1)
      : files(seed), options(std::move(wanted)) {
    options.directory = "/recent";
    options.heads = 64;
    fields.add("device", FieldType::text).value();
    reopen();
  }
  void reopen() {
    recent.reset();
    auto opened = RecentPayments::open(files, options);
    ASSERT_TRUE(opened) << opened.error().line();
    recent = std::move(*opened);
  }
  void add(uint64_t record, uint8_t of, std::optional<Outcome> outcome = Outcome::approve) {
    Payment p;
    p.reset(fields.size());
    p.set_text(field::payment_id, "p" + std::to_string(record));
    p.set_text(field::merchant, "Corner Shop");
    p.event_time = EventTime(static_cast<int64_t>(record) * 1000);
    p.amount_minor = static_cast<int64_t>(record);
    p.currency = *Currency::parse("JPY");
    p.card = card(of);
    recent->add(record, p, outcome, 0.25);
  }
  std::string ids(uint8_t of) const {
    std::string out;
    auto found = recent->of(card(of));
    if (!found) return found.error().what;
    for (const RecentPayment& p : *found) out += (out.empty() ? "" : " ") + p.payment_id;
    return out;
  }
  SimulatedFiles files;
  RecentOptions options;
  FieldTable fields;
  std::unique_ptr<RecentPayments> recent;
};

TEST(RecentPayments, NewestFirstOfEachCardWhole) {
  Fixture f({.per_card = 2});
  for (uint64_t record = 1; record <= 5; ++record) f.add(record, record % 2);
  f.add(6, 0, std::nullopt);
  EXPECT_EQ(f.ids(1), "") << "nothing is seen before flush()";
  ASSERT_TRUE(f.recent->flush());
  EXPECT_EQ(f.ids(1), "p5 p3");
  EXPECT_EQ(f.ids(0), "p6 p4");
  EXPECT_EQ(f.ids(7), "");
  auto found = *f.recent->of(card(0));
  EXPECT_FALSE(found[0].outcome);
  EXPECT_EQ(found[1].outcome, Outcome::approve);
  EXPECT_EQ(found[1].currency.code(), "JPY");
  EXPECT_EQ(found[1].amount_minor, 4);
  EXPECT_EQ(found[1].event_time, EventTime(4000));
  EXPECT_EQ(found[1].merchant, "Corner Shop");
  EXPECT_EQ(found[1].score, 0.25);
}

TEST(RecentPayments, EachRecordOnceAlsoAfterAStart) {
  Fixture f;
  for (int round = 0; round < 2; ++round) {
    for (uint64_t record = 1; record <= 3; ++record) f.add(record, 1);
    ASSERT_TRUE(f.recent->flush());
    EXPECT_EQ(f.recent->record_last(), 3u);
    EXPECT_EQ(f.ids(1), "p3 p2 p1");
    f.reopen();
    EXPECT_EQ(f.ids(1), "p3 p2 p1");
  }
  f.add(9, 1);
  ASSERT_TRUE(f.recent->flush());
  EXPECT_EQ(f.ids(1), "p9 p3 p2 p1");
}

TEST(RecentPayments, TheOldestFileGoesWhenAllAreFull) {
  Fixture f({.file_bytes = 1'000, .files_max = 3, .per_card = 1'000});
  for (uint64_t record = 1; record <= 300; ++record) {
    f.add(record, record % 3);
    if (record % 4 == 0) {
      ASSERT_TRUE(f.recent->flush());
    }
  }
  EXPECT_EQ(f.files.list("/recent")->size(), 3u);
  size_t kept = 0;
  for (uint8_t of = 0; of < 3; ++of) kept += f.recent->of(card(of))->size();
  EXPECT_GE(kept, 15u);
  EXPECT_LE(kept, 45u) << "rows have some 90 bytes";
  std::string before = f.ids(0);
  f.reopen();
  EXPECT_EQ(f.recent->lost(), "");
  EXPECT_EQ(f.ids(0), before);
}

TEST(RecentPayments, CardsOfOneBucketAreToldApartWithinAWalk) {
  Fixture f;
  f.options.heads = 1;
  f.options.walk_max = 10;
  ASSERT_TRUE(f.recent->clear());
  f.reopen();
  f.add(1, 1);
  for (uint64_t record = 2; record <= 10; ++record) f.add(record, 2);
  ASSERT_TRUE(f.recent->flush());
  EXPECT_EQ(f.ids(1), "p1");
  f.add(11, 2);
  ASSERT_TRUE(f.recent->flush());
  EXPECT_EQ(f.ids(1), "") << "the eleventh row is not looked at";
}

TEST(RecentPayments, AFullDiskLosesNothing) {
  Fixture f;
  f.add(1, 1);
  ASSERT_TRUE(f.recent->flush());
  f.files.fill_disk_after(50);
  f.add(2, 1);
  EXPECT_FALSE(f.recent->flush());
  EXPECT_EQ(f.recent->record_last(), 1u) << "it is to be added again";
  EXPECT_EQ(f.ids(1), "p1");
  f.files.fill_disk_after(1'000'000);
  f.add(2, 1);
  f.add(3, 1);
  ASSERT_TRUE(f.recent->flush());
  EXPECT_EQ(f.ids(1), "p3 p2 p1");
  f.reopen();
  EXPECT_EQ(f.ids(1), "p3 p2 p1");
}

// Whatever a power cut leaves of files that are never synced: what is shown afterwards is right, and feeding the
// records behind record_last() again brings the newest back.
TEST(RecentPayments, WhatAPowerCutLeavesIsRight) {
  int lost = 0, shorter = 0, made_whole = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Fixture f({.file_bytes = 2'000, .files_max = 100, .per_card = 1'000}, seed);
    for (uint64_t record = 1; record <= 100; ++record) {
      f.add(record, record % 3);
      if (record % 5 == 0) {
        ASSERT_TRUE(f.recent->flush());
      }
    }
    std::string whole = f.ids(0);
    f.files.cut_power_after(0);
    f.add(101, 0);
    EXPECT_FALSE(f.recent->flush());
    f.files.restore_power();
    f.reopen();
    lost += !f.recent->lost().empty();
    shorter += f.recent->record_last() < 100;
    for (uint64_t record = 1; record <= 100; ++record) f.add(record, record % 3);
    ASSERT_TRUE(f.recent->flush());
    std::string now = f.ids(0);
    EXPECT_TRUE(whole.starts_with(now)) << "seed " << seed << ": " << now;
    made_whole += now == whole;
  }
  EXPECT_GT(lost, 0);
  EXPECT_GT(shorter, lost);
  EXPECT_GT(made_whole, 30) << "else the names of the oldest files were lost";
}

TEST(RecentPayments, DamageBeforeTheEndThrowsAllAway) {
  for (uint64_t offset : {0u, 5u, 40u, 100u}) {
    Fixture f({.file_bytes = 500});
    for (uint64_t record = 1; record <= 30; ++record) {
      f.add(record, 1);
      ASSERT_TRUE(f.recent->flush());
    }
    f.recent.reset();
    f.files.flip(kFirstFile, offset, 0x10);
    f.reopen();
    EXPECT_NE(f.recent->lost(), "") << offset;
    EXPECT_EQ(f.recent->record_last(), 0u);
    EXPECT_EQ(f.ids(1), "");
    EXPECT_TRUE(f.files.list("/recent")->empty());
  }
}

TEST(RecentPayments, DamageUnderItIsAnErrorAndNoRubbish) {
  Fixture f;
  f.add(1, 1);
  ASSERT_TRUE(f.recent->flush());
  f.files.flip(kFirstFile, 60, 1);
  EXPECT_EQ(f.ids(1), "a card's recent payments are damaged");
}

}  // namespace
}  // namespace paywarden
