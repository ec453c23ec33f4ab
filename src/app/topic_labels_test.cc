#include "app/topic_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "base/hash.h"
#include "log/journal.h"
#include "notify/test_kit.h"

namespace paywarden {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Answers as the topic of the first stage would, or takes nothing.
class FakeIntake : public PaymentIntake {
 public:
  bool submit(Work&& work) override {
    if (full) return false;
    Work taken = std::move(work);
    std::string line = taken.label.payment_id + (taken.label.is_fraud ? "=1" : "=0");
    if (taken.label_has_payment) line += " of " + std::string(taken.payment.id());
    sent.push_back(line);
    if (taken.reply) taken.reply->answer({answer, {}, 0, &error});
    return true;
  }
  size_t queued() const override { return 0; }
  size_t queue_limit() const override { return 10; }

  bool full = false;
  Answer::Kind answer = Answer::Kind::label_applied;
  Error error{"no outcome came back in time", {}, {}};
  std::vector<std::string> sent;
};

class Events : public OperatorLog {
 public:
  void write(LogLevel, std::string_view event, std::initializer_list<LogField> fields) override {
    lines.push_back(std::string(event) + " " + fields.begin()->value);
  }
  std::vector<std::string> lines;
};

// A journal with p1 and p2, as a copy holds them.
class TopicLabelsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    journal_ = *Journal::open(files_, events_, {.directory = folder_.file("journal")});
    for (const char* id : {"p1", "p2"}) {
      kit_.both(id, {}, Outcome::review);
      std::vector<RecordToWrite> pair;
      for (const RecordView& record : kit_.from(kit_.end() - 2))
        pair.push_back({record.kind, record.bytes,
                        record.kind == RecordKind::payment ? hash64(std::string_view(id)) : 0});
      ASSERT_TRUE(journal_->append(pair));
    }
  }
  // What a verdict on these payments came to.
  Status label(bool staged, const std::vector<std::string>& ids) {
    TopicLabels labels({intake_, *journal_, kit_.fields(), staged, clock_,
                        [this](const SystemEvent& event) { notices_.push_back(event.detail); },
                        events_});
    std::vector<Label> words;
    for (const std::string& id : ids) words.push_back({id, true, "analyst:maria", clock_.now()});
    std::promise<Status> told;
    labels.label(words, [&](Status status) { told.set_value(std::move(status)); });
    Status status = told.get_future().get();
    labels.stop();
    lost_ = labels.lost();
    return status;
  }

  Events events_;
  TemporaryFolder folder_;
  PosixFiles files_;
  ManualClock clock_{FakeLog::kStart};
  FakeLog kit_;
  std::unique_ptr<Journal> journal_;
  FakeIntake intake_;
  std::vector<std::string> notices_;
  uint64_t lost_ = 0;
};

TEST_F(TopicLabelsTest, EachLabelCarriesItsPayment) {
  EXPECT_TRUE(label(true, {"p1", "p2"}));
  EXPECT_THAT(intake_.sent, ElementsAre("p1=1 of p1", "p2=1 of p2"));
  EXPECT_EQ(lost_, 0u);
  EXPECT_THAT(events_.lines, IsEmpty());
}

TEST_F(TopicLabelsTest, WithoutStagesAPaymentThatIsGoneIsLookedForInTheInput) {
  EXPECT_TRUE(label(false, {"p1", "gone"}));
  EXPECT_THAT(intake_.sent, ElementsAre("p1=1 of p1", "gone=1"));
  EXPECT_EQ(lost_, 0u);
}

// With stages it cannot be routed: that is said, and the others go their way.
TEST_F(TopicLabelsTest, WithStagesALabelWithoutItsPaymentIsSaidToBeLost) {
  EXPECT_TRUE(label(true, {"gone", "p2"}));
  EXPECT_THAT(intake_.sent, ElementsAre("p2=1 of p2"));
  EXPECT_EQ(lost_, 1u);
  EXPECT_THAT(events_.lines, ElementsAre("label_lost gone"));
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("Payment gone is older than")));
  EXPECT_TRUE(label(true, {"gone"}));
}

TEST_F(TopicLabelsTest, WhatIsNotKeptIsGivenAgain) {
  intake_.answer = Answer::Kind::failed;
  Status failed = label(true, {"p1", "p2"});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().line(), HasSubstr("no outcome came back"));
  intake_.full = true;
  Status full = label(true, {"p1"});
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().line(), HasSubstr("was not taken"));
  intake_.full = false;
  intake_.answer = Answer::Kind::label_waiting;
  EXPECT_TRUE(label(true, {"p1"}));
}

TEST_F(TopicLabelsTest, OnceStoppedNothingIsTaken) {
  TopicLabels labels({intake_, *journal_, kit_.fields(), true, clock_, {}, events_});
  labels.stop();
  Status told;
  labels.label({{"p1", true, "analyst:maria", clock_.now()}}, [&](Status s) { told = s; });
  EXPECT_FALSE(told);
  EXPECT_THAT(intake_.sent, IsEmpty());
}

}  // namespace
}  // namespace paywarden
