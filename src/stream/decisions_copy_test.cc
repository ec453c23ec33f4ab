// Against librdkafka's broker of one process, and a disk whose power can be cut.
#include "stream/decisions_copy.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/simulated_files.h"
#include "kafka/mock_broker.h"
#include "kafka/sender.h"
#include "log/journal.h"

namespace paywarden {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kPartitions = 3;
constexpr EventTime kReceived{1'767'262'000'000};

// What was said, a line an event.
class Events : public OperatorLog {
 public:
  void write(LogLevel, std::string_view event, std::initializer_list<LogField> fields) override {
    std::lock_guard lock(mutex_);
    std::string line(event);
    for (const LogField& field : fields) line += fmt::format(" {}={}", field.name, field.value);
    lines_.push_back(line);
  }
  std::vector<std::string> lines() const {
    std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

struct Sent {
  std::string payment_id;
  Outcome outcome = Outcome::approve;
  bool with_payment = true;
  std::string json_id = {};  // another one than the payment's
};

class DecisionsCopyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.client = broker_.client();
    options_.gather = milliseconds(1);
    options_.settle = milliseconds(0);
    auto sender = RecordSender::create(options_.client, {}, silent_,
                                       [](uint64_t, const Error& e) { ADD_FAILURE() << e.line(); });
    ASSERT_TRUE(sender) << sender.error().line();
    sender_ = std::move(*sender);
  }

  std::string payment_of(const std::string& id) const {
    Payment payment;
    payment.reset(fields_.size());
    payment.set_text(field::payment_id, id);
    payment.event_time = payment.receipt_time = kReceived;
    payment.amount_minor = 1'000;
    payment.currency = *Currency::parse("EUR");
    std::string bytes;
    encode_payment(payment, fields_, bytes);
    return bytes;
  }
  void produce(int32_t partition, std::string_view value, std::string_view payment) {
    RecordToProduce record{options_.topic, {}, value};
    record.payment = payment;
    record.partition = partition;
    ASSERT_TRUE(sender_->send(record, 0));
  }
  void send(int32_t partition, const Sent& sent) {
    Decision decision;
    decision.payment_id = sent.json_id.empty() ? sent.payment_id : sent.json_id;
    decision.outcome = sent.outcome;
    decision.score = sent.outcome == Outcome::approve ? 0.01f : 0.99f;
    std::string json;
    append_json(decision, json);
    produce(partition, json, sent.with_payment ? base64(payment_of(sent.payment_id)) : "");
  }
  void flush() { sender_->finish(seconds(20)); }

  // The copy over what the disk holds, as a start finds it; null where the journal does not open.
  bool open() {
    copy_.reset();
    journal_.reset();
    JournalOptions journal{.directory = "journal"};
    journal.seal_in_background = false;
    auto opened = Journal::open(files_, silent_, journal);
    if (!opened) return false;
    journal_ = std::move(*opened);
    auto copy = DecisionsCopy::create(
        {*journal_, fields_, clock_, events_, paused_,
         [this](Duration took) { took_.push_back(took); }, [](const Error&) {}},
        options_);
    EXPECT_TRUE(copy) << copy.error().line();
    if (!copy) return false;
    copy_ = std::move(*copy);
    return true;
  }
  void open_and_begin() {
    ASSERT_TRUE(open());
    auto begun = copy_->begin();
    ASSERT_TRUE(begun) << begun.error().line();
  }
  // Until so many decisions stand in the journal, or nothing more comes for a second.
  void copy_until(uint64_t decisions) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (copy_->figures().decided < decisions && std::chrono::steady_clock::now() < end) {
      auto done = copy_->step();
      ASSERT_TRUE(done) << done.error().line();
    }
  }

  // The payments that the journal decides, in its order; each has its payment before it.
  std::vector<std::string> decided() {
    std::vector<std::string> out;
    Payment payment;
    uint64_t payment_sequence = 0;
    auto read = journal_->read(journal_->first_sequence(), [&](const RecordView& record) {
      DecisionHead head;
      std::string_view json, id;
      if (record.kind == RecordKind::payment) {
        EXPECT_TRUE(decode_payment(record.bytes, fields_, payment));
        EXPECT_EQ(record.lookup_key, hash64(payment.id()));
        payment_sequence = record.sequence;
      }
      if (record.kind != RecordKind::decision) return true;
      EXPECT_TRUE(decode_decision(record.bytes, head, json));
      EXPECT_EQ(head.payment_sequence, payment_sequence);
      EXPECT_EQ(record.sequence, payment_sequence + 1);
      DecisionHead again;
      EXPECT_TRUE(DecisionJson().read(json, again, id));
      EXPECT_EQ(head.outcome, again.outcome);
      EXPECT_EQ(head.score, again.score);
      out.emplace_back(payment.id());
      return true;
    });
    EXPECT_TRUE(read) << read.error().line();
    return out;
  }
  std::vector<std::string> said(const std::string& event) const {
    std::vector<std::string> out;
    for (const std::string& line : events_.lines())
      if (line.starts_with(event + " ")) out.push_back(line);
    return out;
  }

  SilentLog silent_;
  Events events_;
  ManualClock clock_{kReceived + milliseconds(40)};
  FieldTable fields_;
  SimulatedFiles files_{1};
  std::atomic<bool> paused_{false};
  std::vector<Duration> took_;
  DecisionsCopyOptions options_;
  MockBroker broker_{{{"paywarden.decisions", kPartitions}}};
  std::unique_ptr<RecordSender> sender_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<DecisionsCopy> copy_;
};

TEST_F(DecisionsCopyTest, BeginsAtTheEndAndCopiesPairsFromThereOn) {
  send(0, {"old"});
  flush();
  open_and_begin();
  send(0, {"p1", Outcome::decline});
  send(2, {"p2"});
  flush();
  copy_until(2);
  EXPECT_THAT(decided(), ::testing::UnorderedElementsAre("p1", "p2"));
  EXPECT_EQ(copy_->figures().outcomes[static_cast<size_t>(Outcome::decline)], 1u);
  EXPECT_EQ(copy_->figures().scores[49], 1u);
  EXPECT_EQ(copy_->figures().lag, 0u);
  EXPECT_THAT(said("decisions_copy_begins"),
              ElementsAre("decisions_copy_begins topic=paywarden.decisions at=0:1 1:0 2:0"));
}

// Decided between the first start and its end: the place was durable before.
TEST_F(DecisionsCopyTest, WhatCameWhileItWasAwayIsCopiedAtTheNextStart) {
  open_and_begin();
  copy_.reset();
  send(1, {"p1"});
  flush();
  open_and_begin();
  copy_until(1);
  EXPECT_THAT(decided(), ElementsAre("p1"));
}

// The power is cut at random calls of the disk; at each start it goes on where the journal ends.
TEST_F(DecisionsCopyTest, EachDecisionStandsThereOnceWhereverThePowerIsCut) {
  constexpr int kDecisions = 200;
  options_.pairs_max = 7;
  open_and_begin();
  for (int i = 0; i < kDecisions; ++i) send(i % kPartitions, {fmt::format("p{}", i)});
  flush();
  Random random(42);
  int cuts = 0;
  for (size_t before = 0; before < kDecisions; before = decided().size()) {
    ASSERT_LT(++cuts, 500);
    files_.cut_power_after(1 + random.below(9));
    while (journal_->usable() && before + copy_->figures().decided < kDecisions)
      (void)copy_->step();
    copy_.reset();
    journal_.reset();
    files_.restore_power();
    ASSERT_TRUE(open());
  }
  EXPECT_GT(cuts, 5);
  std::map<int, int> next;  // partition -> number
  for (const std::string& id : decided()) {
    int number = std::stoi(id.substr(1)), partition = number % kPartitions;
    EXPECT_EQ(number, next.try_emplace(partition, partition).first->second);
    next[partition] = number + kPartitions;
  }
  EXPECT_EQ(decided().size(), size_t{kDecisions});
  EXPECT_EQ(copy_->step(), 0u) << "nothing is left";
}

TEST_F(DecisionsCopyTest, WhatIsNoDecisionWithItsPaymentIsSaidAndPassedOver) {
  options_.pair_bytes_max = 500'000;
  open_and_begin();
  send(0, {"p1"});
  send(0, {"no payment", Outcome::decline, false});
  produce(0, "{", base64(payment_of("p3")));
  produce(0, R"({"payment_id":"p4","outcome":"perhaps","score":0.5})", base64(payment_of("p4")));
  produce(0, R"({"payment_id":"p4","outcome":"review","score":7})", base64(payment_of("p4")));
  produce(0, R"({"payment_id":"p5","outcome":"review","score":0.5})", "####");
  produce(0, R"({"payment_id":"p5","outcome":"review","score":0.5})", base64("rubbish"));
  produce(0, R"({"payment_id":"p5","outcome":"review","score":0.5,"late":3})",
          base64(payment_of("p5")));
  send(0, {"p6", Outcome::review, true, "p7"});
  produce(0,
          R"({"payment_id":"p7","outcome":"review","score":0.5,"more":")" +
              std::string(600'000, 'x') + R"("})",
          base64(payment_of("p7")));
  send(0, {"p8"});
  flush();
  copy_until(2);
  EXPECT_THAT(decided(), ElementsAre("p1", "p8"));
  EXPECT_EQ(copy_->figures().passed_over, 9u);
  EXPECT_THAT(said("decision_passed_over"),
              ElementsAre(HasSubstr("partition=0 offset=1 why=it has no payment beside it "
                                    "passed_over=1")))
      << "once in a while";
  ASSERT_TRUE(open());
  EXPECT_TRUE(copy_->step());
  EXPECT_EQ(copy_->figures().passed_over, 0u) << "behind the place";
}

// Nothing but what is passed over: the place moves all the same.
TEST_F(DecisionsCopyTest, APlaceMovesWithoutDecisions) {
  open_and_begin();
  uint64_t end = journal_->durable_end();
  send(0, {"p1", Outcome::decline, false});
  flush();
  for (int i = 0; i < 100 && copy_->figures().passed_over == 0; ++i) ASSERT_TRUE(copy_->step());
  EXPECT_EQ(journal_->durable_end(), end + 1);
  auto place = journal_->record(end);
  ASSERT_TRUE(place);
  TopicPlace read;
  ASSERT_TRUE(decode_place(place->bytes, read));
  EXPECT_EQ(read.next[0], 1);
  ASSERT_TRUE(copy_->step());
  ASSERT_TRUE(copy_->step());
  EXPECT_EQ(journal_->durable_end(), end + 1) << "once";
}

// Only of decisions that came while it was at the end: what waited says nothing of today's latency.
TEST_F(DecisionsCopyTest, LatencyIsThatOfNewDecisionsAlone) {
  open_and_begin();
  send(0, {"p1"});
  flush();
  ASSERT_TRUE(open());
  copy_until(1);
  EXPECT_THAT(took_, IsEmpty());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(copy_->step());
  send(0, {"p2"});
  flush();
  copy_until(2);
  EXPECT_THAT(took_, ElementsAre(milliseconds(40)));
}

TEST_F(DecisionsCopyTest, WhatTheTopicHasForgottenIsSaidAndItGoesOn) {
  open_and_begin();
  copy_.reset();
  // More than the broker keeps of a partition.
  for (int i = 0; i < 9; ++i) {
    produce(1, std::string(900'000, 'x'), "");
    flush();
  }
  send(1, {"p1"});
  flush();
  ASSERT_TRUE(open());
  copy_until(1);
  EXPECT_THAT(decided(), ElementsAre("p1"));
  EXPECT_THAT(said("decisions_forgotten"), ElementsAre(HasSubstr("partition=1 from=0 to=")));
}

// Deleted and made anew: it ends before the place.
TEST_F(DecisionsCopyTest, AnotherTopicOfTheSameNameIsCopiedFromItsBeginning) {
  open_and_begin();
  for (int i = 0; i < 5; ++i) send(0, {fmt::format("p{}", i)});
  flush();
  copy_until(5);
  copy_.reset();
  sender_.reset();
  MockBroker another({{"paywarden.decisions", kPartitions}});
  options_.client = another.client();
  sender_ = *RecordSender::create(options_.client, {}, silent_, [](uint64_t, const Error&) {});
  send(0, {"new"});
  flush();
  ASSERT_TRUE(open());
  copy_until(1);
  EXPECT_EQ(decided().back(), "new");
  EXPECT_EQ(decided().size(), 6u);
  EXPECT_THAT(said("decisions_topic_is_another"), ElementsAre(HasSubstr("place=5")));
  copy_.reset();  // before its broker
}

TEST_F(DecisionsCopyTest, APartitionThatWasAddedIsCopiedFromItsBeginning) {
  options_.topic = "other";
  rd_kafka_mock_topic_create(broker_.cluster(), "other", 1, 1);
  open_and_begin();
  // As if it had been made with fewer: a place that knows only one partition.
  options_.topic = "paywarden.decisions";
  std::string bytes;
  encode_place({kReceived, "paywarden.decisions", {{0, 0}}}, bytes);
  RecordToWrite place[] = {{RecordKind::place, bytes, 0}};
  ASSERT_TRUE(journal_->append(place));
  send(2, {"p1"});
  flush();
  ASSERT_TRUE(open());
  copy_until(1);
  EXPECT_THAT(decided(), ElementsAre("p1"));
}

TEST_F(DecisionsCopyTest, AnotherProgramsJournalIsRefused) {
  auto journal = Journal::open(files_, silent_, {.directory = "journal"});
  ASSERT_TRUE(journal);
  RecordToWrite record[] = {{RecordKind::change, "x", 0}};
  ASSERT_TRUE((*journal)->append(record));
  auto copy =
      DecisionsCopy::create({**journal, fields_, clock_, events_, paused_, {}, {}}, options_);
  ASSERT_FALSE(copy);
  EXPECT_THAT(copy.error().line(), HasSubstr("log record 1: the journal is no copy"));
}

TEST_F(DecisionsCopyTest, AnotherTopicBeginsAtItsEnd) {
  rd_kafka_mock_topic_create(broker_.cluster(), "other", 1, 1);
  open_and_begin();
  options_.topic = "other";
  send(0, {"old"});
  flush();
  open_and_begin();
  send(0, {"new"});
  flush();
  copy_until(1);
  EXPECT_THAT(decided(), ElementsAre("new"));
  EXPECT_THAT(said("decisions_topic_changed"), ElementsAre(HasSubstr("to=other")));
}

// The thread: brokers that are away and a full disk cost nothing but time.
TEST_F(DecisionsCopyTest, GoesOnWhenBrokersAreBackAndWhenThereIsRoom) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(copy_->start());
  auto wait = [&](uint64_t decided) {
    for (int i = 0; i < 2000 && copy_->figures().decided < decided; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(copy_->figures().decided, decided);
  };
  send(0, {"p1"});
  wait(1);
  broker_.set_down();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  broker_.set_up();
  send(0, {"p2"});
  wait(2);
  paused_ = true;
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  send(0, {"p3"});
  flush();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(copy_->figures().decided, 2u);
  paused_ = false;
  wait(3);
  copy_->stop();
  EXPECT_THAT(decided(), ElementsAre("p1", "p2", "p3"));
}

TEST_F(DecisionsCopyTest, AJournalThatFailsEndsIt) {
  ASSERT_TRUE(open());
  std::atomic<int> failures{0};
  auto copy = DecisionsCopy::create(
      {*journal_, fields_, clock_, events_, paused_, {}, [&](const Error&) { ++failures; }},
      options_);
  ASSERT_TRUE(copy);
  ASSERT_TRUE((*copy)->start());
  files_.fail_syncs(1);
  send(0, {"p1"});
  for (int i = 0; i < 2000 && failures == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  (*copy)->stop();
  EXPECT_EQ(failures, 1);
}

TEST_F(DecisionsCopyTest, WhatIsOldAndNotNeededIsDropped) {
  JournalOptions small{.directory = "journal"};
  small.segment_records_max = 3;
  small.seal_in_background = false;
  journal_ = *Journal::open(files_, silent_, small);
  copy_ = *DecisionsCopy::create({*journal_, fields_, clock_, events_, paused_, {}, {}}, options_);
  ASSERT_TRUE(copy_->begin());
  for (int i = 0; i < 6; ++i) {
    send(0, {fmt::format("p{}", i)});
    flush();
    copy_until(static_cast<uint64_t>(i) + 1);
    clock_.advance(hours(1));
  }
  EventTime now = clock_.now();
  uint64_t end = journal_->durable_end();
  ASSERT_TRUE(copy_->drop_older(now - hours(3) - minutes(30), 4));
  EXPECT_LE(journal_->first_sequence(), 4u) << "needed from there on";
  ASSERT_TRUE(copy_->drop_older(now - hours(3) - minutes(30), end));
  EXPECT_THAT(decided(), Not(Contains("p0")));
  EXPECT_THAT(decided(), Contains("p3"));
  EXPECT_THAT(decided(), Contains("p5"));
}

TEST(TopicPlace, IsReadAsItWasWritten) {
  TopicPlace place{
      EventTime(1'767'262'000'000), "paywarden.decisions", {{0, 0}, {7, int64_t{1} << 40}}};
  std::string bytes;
  encode_place(place, bytes);
  TopicPlace read;
  ASSERT_TRUE(decode_place(bytes, read));
  EXPECT_EQ(read.written, place.written);
  EXPECT_EQ(read.topic, place.topic);
  EXPECT_EQ(read.next, place.next);
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(decode_place(std::string_view(bytes).substr(0, n), read)) << n;
  EXPECT_FALSE(decode_place(bytes + "x", read));
}

}  // namespace
}  // namespace paywarden
