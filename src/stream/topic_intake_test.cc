// Against librdkafka's broker of one process; the test plays the stage that decides.
#include "stream/topic_intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>

#include "intake/payment_parser.h"
#include "intake/test_schema.h"
#include "kafka/mock_broker.h"
#include "stream/reply.h"
#include "stream/stage_record.h"

namespace paywarden {
namespace {

using ::testing::HasSubstr;
using Kind = Answer::Kind;

// What callers were told, in the order of their payments.
struct Told {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<int, std::pair<Kind, std::string>> answers;
  bool in_time = true;

  std::optional<std::pair<Kind, std::string>> wait(int caller) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::seconds(20), [&] { return answers.count(caller) > 0; });
    auto found = answers.find(caller);
    return found == answers.end() ? std::nullopt : std::optional(found->second);
  }
};

class Caller : public ReplyTo {
 public:
  Caller(Told& told, int number) : told_(told), number_(number) {}
  bool answer(const Answer& answer) override {
    std::lock_guard lock(told_.mutex);
    EXPECT_EQ(told_.answers.count(number_), 0u) << "answered twice";
    told_.answers[number_] = {answer.kind,
                              answer.error ? answer.error->line() : std::string(answer.json)};
    told_.changed.notify_all();
    return told_.in_time;
  }

 private:
  Told& told_;
  int number_;
};

class TopicIntakeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.client = broker_.client();
    options_.instance = "1";
    options_.topic = "payments";
    schema_ = *test::schema_of(test::kSmallSchema);
    auto sender = RecordSender::create(options_.client, {}, log_, [](uint64_t, const Error&) {});
    ASSERT_TRUE(sender) << sender.error().line();
    sender_ = std::move(*sender);
  }
  void TearDown() override {
    intake_.reset();
    sender_.reset();
  }
  void start() {
    intake_ =
        std::make_unique<TopicIntake>(TopicIntakePorts{schema_.fields, plan_, 7, log_}, options_);
    Status started = intake_->start();
    ASSERT_TRUE(started) << started.error().line();
  }
  Work payment(const std::string& id, int caller) {
    Work work = Work::of(Payment(), std::make_unique<Caller>(told_, caller));
    PaymentParser parser(schema_, tokeniser_, {});
    std::string json =
        R"({"id":")" + id +
        R"(","at":"2026-01-01T10:00:00Z","pan":"4111111111111111","shop":"Corner Shop","amount":"1"})";
    EXPECT_FALSE(parser.parse_json(json, EventTime(1'767'262'000'000), work.payment));
    return work;
  }
  void wait_for_records(const std::string& topic, int64_t count) {
    auto reader = KafkaReader::create(options_.client, "test", log_);
    ASSERT_TRUE(reader);
    for (int i = 0; i < 2000; ++i) {
      auto range = (*reader)->range(topic, 0, seconds(20));
      if (range && range->second >= count) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL() << topic << " has fewer than " << count << " records";
  }
  // Of the record at an offset of the payments topic: its tag.
  std::string tag_at(int64_t offset) {
    auto reader = KafkaReader::create(options_.client, "test", log_);
    EXPECT_TRUE(reader);
    std::string tag;
    auto read = (*reader)->scan("payments", 0, 0, seconds(20), [&](const ConsumedRecord& record) {
      StageRecord sent;
      EXPECT_TRUE(decode_stage_record(record.value(), sent));
      EXPECT_EQ(record.value().find("4111111111111111"), std::string_view::npos);
      if (record.offset() == offset) tag = sent.reply;
      return record.offset() < offset;
    });
    EXPECT_TRUE(read);
    return tag;
  }
  void reply(std::string_view tag, std::string_view value) {
    auto to = parse_reply_tag(tag);
    ASSERT_TRUE(to) << tag;
    EXPECT_EQ(to->first, 0);
    const std::string topic = "paywarden.replies";
    RecordToProduce record{topic, {}, value};
    record.reply = to->second;
    ASSERT_TRUE(sender_->send(record, 0));
  }

  SilentLog log_;
  TopicIntakeOptions options_;
  StagePlan plan_;
  Schema schema_;
  Tokeniser tokeniser_ = test::tokeniser();
  Told told_;
  MockBroker broker_{{{"payments", 1},
                      {"paywarden.decisions", 1},
                      {"paywarden.replies", 1},
                      {"paywarden.others", 1}}};
  std::unique_ptr<RecordSender> sender_;
  std::unique_ptr<TopicIntake> intake_;
};

TEST_F(TopicIntakeTest, WhatBecameOfItReachesItsCallerAndNobodyElse) {
  start();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(intake_->submit(payment("p" + std::to_string(i), i)));
  EXPECT_EQ(intake_->queued(), 4u);
  wait_for_records("payments", 4);
  reply("0:another-1", R"({"payment_id":"p0"})");
  reply("0:", "x");
  reply(tag_at(2), R"({"what":"reject","error":"currency has no exchange rate"})");
  reply(tag_at(1), R"({"what":"conflict","partition":0,"offset":0})");
  reply(tag_at(0), R"({"payment_id":"p0","outcome":"review"})");
  reply(tag_at(0), R"({"payment_id":"p0","outcome":"approve"})");  // nobody waits any more
  EXPECT_EQ(told_.wait(0),
            std::pair(Kind::decided, std::string(R"({"payment_id":"p0","outcome":"review"})")));
  EXPECT_EQ(told_.wait(1), std::pair(Kind::conflict, std::string()));
  EXPECT_EQ(told_.wait(2), std::pair(Kind::refused, std::string("currency has no exchange rate")));
  EXPECT_EQ(intake_->queued(), 1u);
  intake_->stop();
  auto last = told_.wait(3);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->first, Kind::failed);
  EXPECT_THAT(last->second, HasSubstr("the program stops"));
  EXPECT_FALSE(intake_->submit(payment("p9", 9)));
}

TEST_F(TopicIntakeTest, ALabelIsAnsweredAndAChangeRefused) {
  start();
  Work label =
      Work::of(Label{"p1", true, "shop", EventTime(1)}, std::make_unique<Caller>(told_, 0));
  ASSERT_TRUE(intake_->submit(std::move(label)));
  wait_for_records("payments", 1);
  reply(tag_at(0), R"({"what":"label_waiting"})");
  EXPECT_EQ(told_.wait(0), std::pair(Kind::label_waiting, std::string()));
  ASSERT_TRUE(intake_->submit(Work::of(Change{}, std::make_unique<Caller>(told_, 1))));
  EXPECT_EQ(told_.wait(1)->first, Kind::refused);
}

TEST_F(TopicIntakeTest, BeyondItsLimitNothingIsTaken) {
  options_.waiting_max = 2;
  start();
  ASSERT_TRUE(intake_->submit(payment("p0", 0)));
  ASSERT_TRUE(intake_->submit(payment("p1", 1)));
  Work third = payment("p2", 2);
  EXPECT_FALSE(intake_->submit(std::move(third)));
  EXPECT_NE(third.reply, nullptr) << "untouched";
}

TEST_F(TopicIntakeTest, WhoWaitsTooLongIsToldSo) {
  options_.waits_max = milliseconds(300);
  start();
  ASSERT_TRUE(intake_->submit(payment("p0", 0)));
  auto told = told_.wait(0);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->first, Kind::failed);
  EXPECT_THAT(told->second, HasSubstr("no outcome came back"));
  EXPECT_EQ(intake_->queued(), 0u);
}

TEST_F(TopicIntakeTest, WhatNoBrokerTakesFails) {
  options_.sender.timeout = milliseconds(500);
  start();
  broker_.set_down();
  ASSERT_TRUE(intake_->submit(payment("p0", 0)));
  auto told = told_.wait(0);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->first, Kind::failed);
  EXPECT_THAT(told->second, HasSubstr("a record is not written"));
}

// At the deadline the caller was told something else: that is noted.
TEST_F(TopicIntakeTest, WhatWasToldInsteadIsNoted) {
  told_.in_time = false;
  options_.default_outcome = "decline";
  start();
  ASSERT_TRUE(intake_->submit(payment("p0", 0)));
  wait_for_records("payments", 1);
  reply(tag_at(0), R"({"payment_id":"p0","outcome":"approve"})");
  ASSERT_TRUE(told_.wait(0));
  wait_for_records("paywarden.others", 1);
  auto reader = KafkaReader::create(options_.client, "test", log_);
  auto note = (*reader)->record("paywarden.others", 0, 0, seconds(20));
  ASSERT_TRUE(note && *note);
  EXPECT_EQ((*note)->value(),
            R"({"what":"answered","payment_id":"p0","outcome":"decline","instance":"1"})");
}

}  // namespace
}  // namespace paywarden
