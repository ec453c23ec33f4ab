#include "drift/drift_book.h"

#include <gtest/gtest.h>

#include <cmath>

namespace paywarden {
namespace {

ModelReference halves() {
  BinReference half{{0.5f}, {0.5, 0.5, 0}, 0};
  return {half, {half}};
}

EventTime at(int day, int hour = 12) {
  return EventTime(0) + days(day) + hours(hour);
}

struct Desk {
  ModelReference reference = halves();
  DriftBook book{DriftBookOptions{{0.1, 0.25, 100}, days(2)}};
  uint64_t sequence = 1;

  Desk() {
    book.load({}, sequence);
    book.use("model", &reference, {"amount"});
  }
  // `high` of the payments have a high amount; scores are even.
  void pay(int day, int payments, double high, bool alerted = false) {
    for (int i = 0; i < payments; ++i) {
      float row = i < high * payments ? 0.9f : 0.1f;
      WatchedPayment payment{at(day), i % 2 ? 0.1f : 0.9f, alerted, 0, &row};
      sequence += 2;
      book.decided({&payment, 1}, sequence);
    }
  }
};

TEST(DriftBook, ADayIsNewsOnceItIsFinished) {
  Desk desk;
  desk.pay(1, 200, 0.5);
  desk.pay(2, 200, 0.95);
  EXPECT_TRUE(desk.book.take_news().empty());
  EXPECT_EQ(desk.book.last_finished()->day, 1);
  EXPECT_GT(desk.book.today()->figures[1].psi, 0.25);
  desk.pay(3, 1, 0.5);
  EXPECT_FALSE(desk.book.today()) << "one payment says nothing";
  auto news = desk.book.take_news();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_TRUE(news[0].alarm);
  EXPECT_EQ(news[0].day.day, 2);
  ASSERT_EQ(news[0].figures.size(), 1u);
  EXPECT_EQ(news[0].figures[0].of, "amount");
  EXPECT_TRUE(desk.book.take_news().empty()) << "told";
}

TEST(DriftBook, ALookMayBecomeAnAlarm) {
  Desk desk;
  desk.pay(1, 200, 0.70);  // 0.2 ln(0.7/0.5) - 0.2 ln(0.3/0.5) = 0.17
  desk.pay(2, 1, 0.5);
  auto news = desk.book.take_news();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_FALSE(news[0].alarm);
  desk.pay(1, 200, 0.95);  // late ones
  news = desk.book.take_news();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_TRUE(news[0].alarm);
  EXPECT_TRUE(desk.book.take_news().empty());
}

TEST(DriftBook, FewPaymentsOrNoLevelAreNoNews) {
  Desk desk;
  desk.pay(1, 99, 1);
  desk.pay(2, 200, 0.5);
  EXPECT_TRUE(desk.book.take_news().empty());
  DriftBook off(DriftBookOptions{{0.1, 0, 10}, days(2)});
  off.use("model", &desk.reference, {"amount"});
  for (int day : {1, 2}) {
    float row = 0.9f;
    std::vector<WatchedPayment> batch(50, {at(day), 0.9f, false, 0, &row});
    off.decided(batch, 1);
  }
  EXPECT_GT(off.last_finished()->figures[0].psi, 0.25);
  EXPECT_TRUE(off.take_news().empty());
}

TEST(DriftBook, AnotherModelBeginsAnewAndOneWithoutReferenceIsNotKnown) {
  Desk desk;
  desk.pay(1, 200, 0.5);
  desk.pay(2, 200, 0.5);
  desk.book.use("model", &desk.reference, {"amount"});
  EXPECT_TRUE(desk.book.last_finished());
  desk.book.use("other", &desk.reference, {"amount"});
  EXPECT_TRUE(desk.book.known());
  EXPECT_FALSE(desk.book.today());
  desk.book.use("imported", nullptr, {"amount"});
  EXPECT_FALSE(desk.book.known());
  EXPECT_TRUE(desk.book.has_bare_model());
  desk.pay(3, 200, 0.5);
  EXPECT_FALSE(desk.book.today());
  EXPECT_TRUE(desk.book.take_news().empty());
}

TEST(DriftBook, ComesBackWithItsNewsToldAndTheGapKnown) {
  Desk desk;
  desk.pay(1, 200, 0.95, true);
  desk.pay(2, 200, 0.5);
  ASSERT_EQ(desk.book.take_news().size(), 1u);
  uint64_t saved_at = desk.sequence;
  std::string saved = desk.book.save();
  DriftBook back(DriftBookOptions{{0.1, 0.25, 100}, days(2)});
  ASSERT_TRUE(back.load(saved, saved_at + 20));  // ten payments behind it were in the log
  back.use("model", &desk.reference, {"amount"});
  EXPECT_TRUE(back.take_news().empty());
  EXPECT_EQ(back.last_finished()->figures[1].psi, desk.book.last_finished()->figures[1].psi);
  back.labelled(at(1), saved_at + 2, true, +1);  // nobody counted it
  back.labelled(at(1), 3, true, +1);
  back.labelled(at(1), 5, false, +1);
  WatchedPayment later{at(4), 0.1f, false, 0, nullptr};
  back.use("none", nullptr, {});
  back.decided({&later, 1}, saved_at + 22);
  auto quality = back.quality();
  ASSERT_TRUE(quality);
  EXPECT_EQ(quality->day, 1);
  EXPECT_EQ(quality->alerts, 200u);
  EXPECT_EQ(quality->frauds_alerted, 1u);
  EXPECT_DOUBLE_EQ(quality->precision(), 1.0 / 200);
  EXPECT_DOUBLE_EQ(quality->recall(), 0.5);
}

TEST(DriftBook, DamagedBytesBeginAnew) {
  Desk desk;
  desk.pay(1, 200, 0.5);
  std::string saved = desk.book.save();
  for (size_t i = 0; i < saved.size(); ++i) {
    std::string bytes = saved;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x40);
    DriftBook back({});
    EXPECT_FALSE(back.load(bytes, desk.sequence)) << i;
    back.labelled(at(1), 3, true, +1);  // of a payment before the beginning: not counted
    EXPECT_FALSE(back.quality());
  }
}

TEST(DriftBook, ALogThatLostItsLastGroupsIsTheSameAndOneThatWasCutIsNot) {
  Desk desk;
  desk.pay(1, 20'000, 0.5);
  std::string saved = desk.book.save();
  DriftBook crashed({}), cut({});
  EXPECT_TRUE(crashed.load(saved, desk.sequence - DriftBook::kAheadMax));
  EXPECT_FALSE(cut.load(saved, desk.sequence - DriftBook::kAheadMax - 1));
}

TEST(LabelQuality, ADayCountsOnceItsLabelsAreDue) {
  LabelQuality quality(days(2));
  for (int i = 0; i < 10; ++i) quality.decided(at(1), i < 4);
  quality.labelled(at(1), true, +1);
  quality.labelled(at(1), true, +1);
  quality.labelled(at(1), false, +1);
  quality.decided(at(3, 23), false);
  EXPECT_FALSE(quality.newest_finished());
  quality.decided(at(4, 0), false);
  auto day = quality.newest_finished();
  ASSERT_TRUE(day);
  EXPECT_EQ(day->payments, 10u);
  EXPECT_DOUBLE_EQ(day->precision(), 0.5);
  EXPECT_DOUBLE_EQ(day->recall(), 2.0 / 3);
  quality.labelled(at(1), true, -1);  // taken back, late
  EXPECT_DOUBLE_EQ(quality.newest_finished()->precision(), 0.25);
  quality.labelled(at(2), true, +1);  // of a day without decisions
  quality.decided(at(40), false);
  EXPECT_FALSE(quality.newest_finished() && quality.newest_finished()->day < 29) << "forgotten";
}

TEST(LabelQuality, ADayWithoutAlertsHasNoPrecision) {
  LabelQuality quality(days(0));
  quality.decided(at(1), false);
  quality.decided(at(2), false);
  ASSERT_TRUE(quality.newest_finished());
  EXPECT_TRUE(std::isnan(quality.newest_finished()->precision()));
  EXPECT_TRUE(std::isnan(quality.newest_finished()->recall()));
}

}  // namespace
}  // namespace paywarden
