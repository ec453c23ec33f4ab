// The engine: answers after durability, equal to a sequential run, whatever the timing; recovery;
// failure.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>

#include "base/crc32c.h"
#include "engine/engine_testing.h"

namespace paywarden {
namespace {

struct Told {
  Answer::Kind kind;
  std::string json;
  uint64_t sequence = 0;
};

// Collects answers by name; some callers have given up before theirs comes.
class Desk {
 public:
  class Reply : public ReplyTo {
   public:
    Reply(Desk& desk, std::string name, bool gone)
        : desk_(desk), name_(std::move(name)), gone_(gone) {}
    bool answer(const Answer& a) override {
      std::lock_guard lock(desk_.mutex_);
      desk_.told_.emplace(name_, Told{a.kind, std::string(a.json), a.sequence});
      desk_.changed_.notify_all();
      return !gone_;
    }

   private:
    Desk& desk_;
    std::string name_;
    bool gone_;
  };
  std::unique_ptr<ReplyTo> reply(std::string name, bool gone = false) {
    return std::make_unique<Reply>(*this, std::move(name), gone);
  }
  Told wait(const std::string& name) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return told_.contains(name); });
    return told_.contains(name) ? told_.find(name)->second
                                : Told{Answer::Kind::failed, "no answer came"};
  }
  size_t count() {
    std::lock_guard lock(mutex_);
    return told_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<std::string, Told> told_;
};

struct House : TestGround {
  Desk desk;
  std::unique_ptr<Engine> engine;

  Status open(std::function<void(std::chrono::microseconds)> on_decided = {}) {
    engine.reset();
    TRY_ASSIGN(engine, recover());
    engine->on_decided(std::move(on_decided));
    engine->start();
    return {};
  }
  void use_model(const std::string& name) {
    ASSERT_TRUE(
        engine->submit(Work::of(Change{ChangeKind::model, name, name, "test", "", EventTime(0)},
                                desk.reply("model " + name))));
    ASSERT_EQ(desk.wait("model " + name).kind, Answer::Kind::changed);
  }
};

TEST(Engine, AnswersEqualASequentialRun) {
  House house;
  ASSERT_TRUE(house.open());
  house.use_model("formula");
  TestStream stream{house.world, Random(1)};
  std::vector<Payment> payments;
  for (int i = 0; i < 3000; ++i) {
    payments.push_back(stream.next());
    ASSERT_TRUE(house.engine->submit_waiting(
        Work::of(payments.back(), house.desk.reply(std::string(payments.back().id())))));
  }
  house.engine->stop();
  auto core = house.world.core();
  for (Payment& p : payments) {
    uint64_t earlier = 0;
    ASSERT_EQ(core->admit(p, 1, earlier), Sighting::fresh);
    Decision d;
    CoreItem item{&p, &d, GuardEvent::none};
    core->decide({&item, 1});
    std::string json;
    append_json(d, json);
    Told told = house.desk.wait(std::string(p.id()));
    ASSERT_EQ(told.kind, Answer::Kind::decided);
    ASSERT_EQ(told.json, json);
  }
}

TEST(Engine, RepeatsConflictsHistoryAndLabels) {
  House house;
  ASSERT_TRUE(house.open());
  house.use_model("formula");
  EventTime t(1'600'000'000'000);
  auto send = [&](std::string name, Payment p) {
    EXPECT_TRUE(house.engine->submit(Work::of(std::move(p), house.desk.reply(name))));
    return house.desk.wait(name);
  };
  Told first = send("first", house.world.payment("a", "card", 100, t));
  EXPECT_EQ(first.kind, Answer::Kind::decided);
  Told again = send("again", house.world.payment("a", "card", 100, t));
  EXPECT_EQ(again.kind, Answer::Kind::repeated);
  EXPECT_EQ(again.json, first.json);
  EXPECT_EQ(send("other", house.world.payment("a", "card", 200, t)).kind, Answer::Kind::conflict);
  Payment old = house.world.payment("h", "card", 100, t - days(1));
  old.backfilled = true;
  EXPECT_EQ(send("history", old).kind, Answer::Kind::recorded);
  EXPECT_EQ(send("history again", old).kind, Answer::Kind::recorded);
  Payment dollars = house.world.payment("usd", "card", 100, t);
  dollars.currency = *Currency::parse("USD");
  EXPECT_EQ(send("dollars", dollars).kind, Answer::Kind::refused);
  auto label = [&](std::string name, std::string id) {
    EXPECT_TRUE(house.engine->submit(
        Work::of(Label{std::move(id), true, "test", t}, house.desk.reply(name))));
    return house.desk.wait(name).kind;
  };
  EXPECT_EQ(label("known", "a"), Answer::Kind::label_applied);
  EXPECT_EQ(label("old", "h"), Answer::Kind::label_applied);
  EXPECT_EQ(label("unknown", "zzz"), Answer::Kind::label_waiting);
  EXPECT_EQ(house.engine->figures().repeats.load(), 2u);
}

TEST(Engine, RestartsFromSnapshotAndTailWithTheSameState) {
  for (bool clean : {true, false}) {
    House house;
    house.options.snapshot_every = 150;
    ASSERT_TRUE(house.open());
    house.use_model("formula");
    TestStream stream{house.world, Random(3)};
    std::vector<Payment> sent;
    for (int round = 0; round < 6; ++round) {
      for (int i = 0; i < 130; ++i) {
        sent.push_back(stream.next());
        house.engine->submit_waiting(
            Work::of(sent.back(), house.desk.reply(std::string(sent.back().id()))));
        if (i % 10 == 0)
          house.engine->submit_waiting(
              Work::of(stream.label_for(static_cast<int>(stream.random.below(900))), nullptr));
      }
      house.engine->stop();
      uint64_t hash = house.engine->core().state_hash();
      if (!clean) {
        auto newest = *house.snapshots.list();
        ASSERT_TRUE(house.snapshots.remove(newest.front()));
      }
      ASSERT_TRUE(house.open());
      EXPECT_EQ(house.engine->recovery().mismatches, 0u);
      if (!clean) {
        EXPECT_GT(house.engine->recovery().payments, 0u);
      }
      EXPECT_EQ(house.engine->core().state_hash(), hash) << round;
    }
    Told told = house.desk.wait(std::string(sent[5].id()));
    house.engine->submit(Work::of(sent[5], house.desk.reply("asked again")));
    Told again = house.desk.wait("asked again");
    EXPECT_EQ(again.kind, Answer::Kind::repeated);
    EXPECT_EQ(again.json, told.json);
  }
}

TEST(Engine, ASnapshotBeyondTheLogIsRemoved) {
  House house;
  ASSERT_TRUE(house.open());
  TestStream stream{house.world, Random(3)};
  for (int i = 0; i < 50; ++i) house.engine->submit_waiting(Work::of(stream.next(), nullptr));
  house.engine->stop();
  ASSERT_EQ(house.snapshots.list()->size(), 1u);
  house.log.cut(31);
  ASSERT_TRUE(house.open());
  EXPECT_EQ(house.engine->recovery().payments, 15u);
  EXPECT_TRUE(house.snapshots.list()->empty());
}

// The notification center's, over Kafka: its decisions were made with a state that is not this engine's.
TEST(Engine, ACopyOfADecisionsTopicIsNoLogToDecideOn) {
  House house;
  RecordToWrite place[] = {{RecordKind::place, "0:17", 0}};
  ASSERT_TRUE(house.log.append(place));
  auto opened = house.open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().line().find("log record 1: the log is a copy"), std::string::npos)
      << opened.error().line();
}

TEST(Engine, AFailedLogAcknowledgesNothingMore) {
  House house;
  ASSERT_TRUE(house.open());
  std::atomic<int> told{0};
  house.engine->on_failure([&](const Error&) { ++told; });
  house.log.fail_appends = true;
  TestStream stream{house.world, Random(3)};
  for (int i = 0; i < 20; ++i)
    house.engine->submit(Work::of(stream.next(), house.desk.reply("p" + std::to_string(i))));
  EXPECT_EQ(house.desk.wait("p0").kind, Answer::Kind::failed);
  house.engine->stop();
  EXPECT_FALSE(house.engine->submit(Work::of(stream.next(), nullptr)));
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(house.engine->failed());
  EXPECT_TRUE(house.snapshots.list()->empty()) << "a snapshot would show what was never durable";
}

TEST(Engine, EveryDecisionIsTimedWithAndWithoutACaller) {
  House house;
  std::atomic<int> timed{0};
  std::atomic<int64_t> longest{0};
  ASSERT_TRUE(house.open([&](std::chrono::microseconds took) {
    ++timed;
    longest = std::max<int64_t>(longest, took.count());
  }));
  house.log.append_takes = std::chrono::milliseconds(30);
  TestStream stream{house.world, Random(4)};
  Payment first = stream.next();
  house.engine->submit(Work::of(first, house.desk.reply("first")));
  EXPECT_EQ(house.desk.wait("first").kind, Answer::Kind::decided);
  EXPECT_EQ(timed, 1) << "before the caller knows";
  for (int i = 0; i < 5; ++i) house.engine->submit_waiting(Work::of(stream.next(), nullptr));
  house.engine->submit(Work::of(first, house.desk.reply("again")));  // a repeat is no decision
  EXPECT_EQ(house.desk.wait("again").kind, Answer::Kind::repeated);
  house.engine->stop();
  EXPECT_EQ(timed, 6);
  EXPECT_GE(longest, 30'000) << "the wait for the log is in it";
}

TEST(Engine, PaymentsDoNotWaitBehindLabelsOfUnknownOnes) {
  House house;
  house.log.find_takes = std::chrono::milliseconds(3);
  ASSERT_TRUE(house.open());
  constexpr int kLabels = 60;
  for (int i = 0; i < kLabels; ++i) {
    std::string id = "unknown " + std::to_string(i % (kLabels / 2));
    Work work = Work::of(Label{id, i < kLabels / 2, "test", EventTime(0)},
                         house.desk.reply("label " + std::to_string(i)));
    work.may_wait = true;
    house.engine->submit(std::move(work));
  }
  house.engine->submit(
      Work::of(house.world.payment("p", "card", 1, EventTime(1)), house.desk.reply("p")));
  EXPECT_EQ(house.desk.wait("p").kind, Answer::Kind::decided);
  uint64_t decided = house.desk.wait("p").sequence;
  uint64_t before = 0;
  for (int i = 0; i < kLabels; ++i) {
    auto answer = house.desk.wait("label " + std::to_string(i));
    EXPECT_EQ(answer.kind, Answer::Kind::label_waiting);
    EXPECT_GT(answer.sequence, before) << "labels keep their order";
    before = answer.sequence;
  }
  EXPECT_GT(before, decided) << "the payment came before the last label";
}

TEST(Engine, ADefaultAnswerIsNotedInTheLog) {
  House house;
  ASSERT_TRUE(house.open());
  house.engine->submit(Work::of(house.world.payment("slow", "card", 1, EventTime(1)),
                                house.desk.reply("slow", true)));
  house.desk.wait("slow");
  for (int i = 0; i < 200 && house.log.durable_end() < 4; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  auto note = house.log.record(3);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->kind, RecordKind::answered);
  EXPECT_NE(note->bytes.find("slow"), std::string::npos);
  EXPECT_EQ(house.engine->figures().answered_by_default.load(), 1u);
}

TEST(Engine, AChangeHoldsFromItsPlaceInTheLogOnAndARefusedOneLeavesNoTrace) {
  House house;
  ASSERT_TRUE(house.open());
  house.use_model("formula");
  uint64_t before = house.log.durable_end();
  house.engine->submit(
      Work::of(Change{ChangeKind::rules, "r", "decline if amonut > 1", "test", "", EventTime(0)},
               house.desk.reply("bad")));
  EXPECT_EQ(house.desk.wait("bad").kind, Answer::Kind::refused);
  EXPECT_EQ(house.log.durable_end(), before);
  house.engine->submit(
      Work::of(house.world.payment("a", "card", 500, EventTime(1)), house.desk.reply("a")));
  house.engine->submit(Work::of(
      Change{ChangeKind::rules, "r", "rule big: decline if amount > 1", "test", "", EventTime(0)},
      house.desk.reply("good")));
  house.engine->submit(
      Work::of(house.world.payment("b", "card2", 500, EventTime(1)), house.desk.reply("b")));
  EXPECT_EQ(house.desk.wait("good").kind, Answer::Kind::changed);
  EXPECT_NE(house.desk.wait("a").json.find("\"approve\""), std::string::npos);
  EXPECT_NE(house.desk.wait("b").json.find("\"decline\""), std::string::npos);
  EXPECT_NE(house.desk.wait("b").json.find("\"big\""), std::string::npos);
}

// What earlier marks mark has only other digests of known ids.
TEST(Snapshots, OfTheEarlierFormatAreLoadedAndOfAnotherAreNot) {
  TestGround house;
  auto core = house.world.core();
  Payment payment = house.world.payment("a", "card", 100, EventTime(1'600'000'000'000));
  uint64_t earlier = 0;
  ASSERT_EQ(core->admit(payment, 1, earlier), Sighting::fresh);
  ASSERT_TRUE(house.snapshots.write(*core, 7));
  std::string path = house.snapshots.path_of(7), bytes = *read_whole(house.files, path);
  for (auto [mark, loads] :
       {std::pair("PWSNAP01", true), {"PWSNAP02", true}, {"PWSNAP03", true}, {"PWSNAP04", false}}) {
    std::string marked = mark + bytes.substr(8, bytes.size() - 12);
    ByteWriter(marked).u32(crc32c(marked));
    ASSERT_TRUE(replace_whole(house.files, path, marked));
    auto back = house.world.core();
    EXPECT_EQ(house.snapshots.load(7, *back, TestWorld::models()).has_value(), loads) << mark;
    if (loads) {
      EXPECT_EQ(back->admit(payment, 9, earlier), Sighting::repeat) << mark;
    }
  }
}

}  // namespace
}  // namespace paywarden
