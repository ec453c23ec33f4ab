// What the engine tells of drift: every decision with its features, words of fraud with what had been decided; and nothing
// of it changes a decision.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/engine.h"
#include "engine/engine_testing.h"

namespace paywarden {
namespace {

// The formula, with bins for its score and each of three features.
class ReferenceModel : public FormulaModel {
 public:
  explicit ReferenceModel(std::string name) : FormulaModel(std::move(name)) {
    BinReference half{{0.5f}, {0.5, 0.5, 0}, 0};
    reference_ = {half, {half, half, half}};
  }
  const ModelReference* reference() const override { return &reference_; }

 private:
  ModelReference reference_;
};

struct House : TestGround {
  DriftBook book{DriftBookOptions{{.payments_min = 100}, hours(2)}};
  std::unique_ptr<Engine> engine;

  void open(bool watched) {
    engine.reset();
    auto finder = [](const std::string& name) -> Result<std::shared_ptr<const Model>> {
      return std::make_shared<ReferenceModel>(name);
    };
    auto made = recover(finder);
    ASSERT_TRUE(made);
    engine = std::move(*made);
    book.load({}, log.durable_end());
    if (watched) engine->watch_drift(book);
    engine->start();
    change(ChangeKind::model, "formula", "formula");
  }
  void change(ChangeKind kind, const std::string& name, const std::string& content) {
    engine->submit_waiting(
        Work::of(Change{kind, name, content, "test", "", EventTime(0)}, nullptr));
  }
  void pay(const Payment& payment) { engine->submit_waiting(Work::of(payment, nullptr)); }
  void pay(std::string_view id, int64_t minor, Duration when, bool backfilled = false) {
    Payment p =
        world.payment(id, std::string("card of ") + std::string(id), minor, EventTime(0) + when);
    p.backfilled = backfilled;
    pay(p);
  }
  void say(const std::string& id, bool is_fraud) {
    engine->submit_waiting(Work::of(Label{id, is_fraud, "test", EventTime(0)}, nullptr));
  }
};

TEST(EngineDrift, ChangesNothing) {
  House watched, plain;
  watched.open(true);
  plain.open(false);
  for (House* house : {&watched, &plain}) {
    TestStream stream{house->world, Random(8)};
    for (int i = 0; i < 2000; ++i) {
      house->pay(stream.next());
      if (i % 9 == 0) house->engine->submit_waiting(Work::of(stream.label_for(i), nullptr));
    }
    house->engine->stop();
  }
  EXPECT_EQ(watched.engine->core().state_hash(), plain.engine->core().state_hash());
  ASSERT_EQ(watched.log.durable_end(), plain.log.durable_end());
  for (uint64_t i = 1; i < plain.log.durable_end(); ++i)
    EXPECT_EQ(watched.log.record(i)->bytes, plain.log.record(i)->bytes) << i;
  EXPECT_TRUE(watched.book.known());
  ASSERT_TRUE(watched.book.last_finished() && watched.book.today());
  EXPECT_EQ(watched.book.last_finished()->payments + watched.book.today()->payments, 2000u);
  EXPECT_FALSE(plain.book.known());
}

// 5,000.00 on a fresh card are declined, 0.01 is approved.
void labelled_day(House& house) {
  house.pay("caught", 500'000, hours(1));
  house.pay("caught too", 500'000, hours(2));
  house.pay("false alarm", 500'000, hours(3));
  house.say("first the word", true);  // waits
  house.pay("first the word", 500'000, hours(4));
  house.pay("missed", 1, hours(5));
  house.pay("history", 1, hours(6), true);
  for (const char* id : {"caught", "caught too", "missed", "history", "missed"})
    house.say(id, true);
  house.say("false alarm", false);
  house.say("caught too", false);  // taken back
  house.pay("the day after", 1, hours(27));
  house.engine->stop();
}

void expect_figures(const House& house) {
  auto day = house.book.quality();
  ASSERT_TRUE(day);
  EXPECT_EQ(day->day, 0);
  EXPECT_EQ(day->payments, 5u) << "history was not decided";
  EXPECT_EQ(day->alerts, 4u);
  EXPECT_EQ(day->frauds_alerted, 2u);
  EXPECT_EQ(day->frauds_missed, 1u);
  EXPECT_DOUBLE_EQ(day->precision(), 0.5);
  EXPECT_DOUBLE_EQ(day->recall(), 2.0 / 3);
}

TEST(EngineDrift, LabelsMeetWhatWasDecided) {
  House house;
  house.open(true);
  labelled_day(house);
  expect_figures(house);
}

TEST(EngineDrift, InObserveModeWhatWouldHaveBeenCounts) {
  House house;
  house.open(true);
  house.change(ChangeKind::mode, "", "observe");
  labelled_day(house);
  expect_figures(house);
}

TEST(EngineDrift, AnotherModelIsToldOf) {
  House house;
  house.open(true);
  for (int i = 0; i < 150; ++i) house.pay("a" + std::to_string(i), 1, hours(1));
  house.engine->stop();
  ASSERT_TRUE(house.book.today());
  house.open(true);
  house.change(ChangeKind::model, "formula2", "formula2");
  house.engine->stop();
  EXPECT_TRUE(house.book.known());
  EXPECT_FALSE(house.book.today()) << "its days begin anew";
}

}  // namespace
}  // namespace paywarden
