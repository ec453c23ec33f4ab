#include "notify/outbox.h"

#include <gtest/gtest.h>

#include "notify/alerting.h"
#include "notify/test_kit.h"

namespace paywarden {
namespace {

// Answers what the test says, and remembers what it was given.
struct FakeChannel : Channel {
  explicit FakeChannel(std::string wanted, std::vector<std::pair<std::string, std::string>>& seen)
      : name_(std::move(wanted)), seen_(seen) {}
  const std::string& name() const override { return name_; }
  Attempt deliver(const OutgoingMessage& message) override {
    seen_.push_back({std::string(message.id), std::string(message.payload)});
    queued = message.queued;
    return answer;
  }
  void cancel() override {}
  Attempt answer{Attempt::Outcome::delivered};
  EventTime queued;  // of the last message

 private:
  std::string name_;
  std::vector<std::pair<std::string, std::string>>& seen_;
};

struct Fixture {
  explicit Fixture(DispatcherOptions wanted = {}, QuietOptions quiet_wanted = {})
      : options(wanted), quiet(quiet_wanted) {
    reopen();
  }
  void reopen() {
    dispatcher.reset();
    alerting.reset();
    store.reset();
    store = *Store::open({.path = folder.file("center.db")});
    alerting = std::make_unique<Alerting>(*store, log.fields(),
                                          AlertingOptions{.channels = {{.name = "a"}}},
                                          AlertingPorts{clock, silent, {}, {}});
    resume = *alerting->start();
    auto made = std::make_unique<FakeChannel>("a", sent);
    channel = made.get();
    std::vector<ChannelSetup> channels;
    channels.push_back({std::move(made), quiet});
    dispatcher = std::make_unique<Dispatcher>(
        *store, std::move(channels), options,
        DispatcherPorts{
            clock, silent, 7,
            [this](const std::string& name, const Delivery& row, const std::string& error) {
              dead.push_back(name + " " + row.message_id + " " + error);
              if (on_dead) on_dead(name, row, error);
            }});
  }
  void alerts(int count) {
    for (int i = 0; i < count; ++i) {
      std::string id = "p" + std::to_string(log.end());
      log.both(id, {.card = "C" + id}, Outcome::decline);
    }
    auto records = log.from(resume);
    ASSERT_TRUE(alerting->apply(records));
    resume = log.end();
  }
  std::vector<Delivery> rows(DeliveryState state) const { return *store->deliveries(state, 1000); }
  int round() { return *dispatcher->run_due(0); }

  TemporaryFolder folder;
  FakeLog log;
  ManualClock clock{FakeLog::kStart};
  SilentLog silent;
  DispatcherOptions options;
  QuietOptions quiet;
  std::vector<std::pair<std::string, std::string>> sent;
  std::vector<std::string> dead;
  std::function<void(const std::string&, const Delivery&, const std::string&)> on_dead;
  std::unique_ptr<Store> store;
  std::unique_ptr<Alerting> alerting;
  std::unique_ptr<Dispatcher> dispatcher;
  FakeChannel* channel = nullptr;
  uint64_t resume = 0;
};

TEST(Outbox, DeliversOnceAndNoMore) {
  Fixture f;
  f.alerts(3);
  EXPECT_EQ(f.round(), 3);
  EXPECT_EQ(f.round(), 0);
  EXPECT_EQ(f.rows(DeliveryState::delivered).size(), 3u);
  EXPECT_EQ(f.sent.size(), 3u);
  EXPECT_NE(f.sent[0].first, f.sent[1].first);
  EXPECT_EQ(f.dispatcher->stats()[0].delivered, 3u);
}

TEST(Outbox, AFailureWaitsLongerEachTimeAndKeepsItsIdAndBytes) {
  Fixture f;
  f.alerts(1);
  f.channel->answer = {Attempt::Outcome::failed, "503"};
  int64_t waited = 0;
  for (int attempt = 1; attempt <= 6; ++attempt) {
    ASSERT_EQ(f.round(), 1);
    Delivery row = f.rows(DeliveryState::waiting).at(0);
    EXPECT_EQ(row.attempts, attempt);
    EXPECT_EQ(row.last_error, "503");
    Duration wait = row.next_attempt - f.clock.now();
    int64_t plain = 5'000ll << (attempt - 1);
    EXPECT_GE(wait.ms(), plain * 3 / 4);
    EXPECT_LE(wait.ms(), plain * 5 / 4);
    f.clock.advance(wait - milliseconds(1));
    EXPECT_EQ(f.round(), 0) << "not due yet";
    EXPECT_EQ(f.channel->queued, row.queued);
    f.clock.advance(milliseconds(1));
    waited += wait.ms();
  }
  f.channel->answer = {Attempt::Outcome::delivered};
  EXPECT_EQ(f.round(), 1);
  ASSERT_EQ(f.sent.size(), 7u);
  for (const auto& message : f.sent) EXPECT_EQ(message, f.sent[0]);
}

TEST(Outbox, BackoffIsBounded) {
  EXPECT_EQ(backoff(1, seconds(5), minutes(30)), seconds(5));
  EXPECT_EQ(backoff(4, seconds(5), minutes(30)), seconds(40));
  EXPECT_EQ(backoff(1000, seconds(5), minutes(30)), minutes(30));
}

TEST(Outbox, TheReceiversWishCounts) {
  Fixture f;
  f.alerts(1);
  f.channel->answer = {Attempt::Outcome::failed, "429", minutes(7)};
  f.round();
  EXPECT_EQ(f.rows(DeliveryState::waiting).at(0).next_attempt, f.clock.now() + minutes(7));
  f.clock.advance(minutes(7));
  f.channel->answer = {Attempt::Outcome::failed, "503", days(30)};
  f.round();
  EXPECT_EQ(f.rows(DeliveryState::waiting).at(0).next_attempt, f.clock.now() + hours(1))
      << "within reason";
}

TEST(Outbox, DeadAfterTooManyAttemptsTooLongOrARefusal) {
  struct Row {
    const char* name;
    DispatcherOptions options;
    Attempt answer;
    size_t attempts;
  };
  for (const Row& row : {Row{"attempts", {.attempts_max = 3}, {Attempt::Outcome::failed, "no"}, 3},
                         Row{"age", {.age_max = seconds(12)}, {Attempt::Outcome::failed, "no"}, 2},
                         Row{"refusal", {}, {Attempt::Outcome::refused, "410"}, 1}}) {
    Fixture f(row.options);
    f.alerts(1);
    f.channel->answer = row.answer;
    for (int i = 0; i < 10; ++i) {
      f.round();
      f.clock.advance(minutes(1));
      if (std::string(row.name) == "age" && i == 0) f.clock.advance(minutes(-1) + seconds(7));
    }
    EXPECT_EQ(f.sent.size(), row.attempts) << row.name;
    EXPECT_EQ(f.dead.size(), 1u) << row.name;
    EXPECT_EQ(f.rows(DeliveryState::dead).size(), 1u) << row.name;
    EXPECT_EQ(f.dispatcher->stats()[0].dead, 1u) << row.name;
  }
}

TEST(Outbox, ADeadDeliveryIsTriedAgainUnderItsOldId) {
  Fixture f;
  f.alerts(1);
  f.channel->answer = {Attempt::Outcome::refused, "550"};
  f.round();
  Delivery dead = f.rows(DeliveryState::dead).at(0);
  f.clock.advance(days(10));
  EXPECT_FALSE(*f.store->retry(dead.id + 1, f.clock.now()));
  EXPECT_TRUE(*f.store->retry(dead.id, f.clock.now()));
  EXPECT_FALSE(*f.store->retry(dead.id, f.clock.now())) << "it is not dead any more";
  f.channel->answer = {Attempt::Outcome::failed, "busy"};
  f.round();
  EXPECT_EQ(f.rows(DeliveryState::waiting).size(), 1u) << "its age counts from the retry";
  f.clock.advance(minutes(1));
  f.channel->answer = {Attempt::Outcome::delivered};
  f.round();
  EXPECT_EQ(f.sent.back().first, dead.message_id);
  EXPECT_EQ(f.rows(DeliveryState::delivered).size(), 1u);
}

// The alert on a dead delivery goes through the same dead channel: it must not breed.
TEST(Outbox, DeadDeliveriesAreOneAlert) {
  Fixture f;
  f.on_dead = [&](const std::string& channel, const Delivery& row, const std::string& error) {
    ASSERT_TRUE(f.alerting->notice(dead_delivery_event(channel, row, error, f.clock.now())));
  };
  f.alerts(5);
  f.channel->answer = {Attempt::Outcome::refused, "550"};
  while (f.round() > 0) {
  }
  auto alerts = f.store->alerts({})->alerts;
  ASSERT_EQ(alerts.size(), 6u);
  EXPECT_EQ(alerts[0].title, "Messages through 'a' do not arrive");
  EXPECT_EQ(f.rows(DeliveryState::dead).size(), 6u) << "five, and the one that tells of them";
}

TEST(Outbox, AStormIsSentInPortions) {
  Fixture f({}, {.messages_max = 10, .per = minutes(10)});
  f.alerts(25);
  for (size_t sent : {10u, 20u, 25u}) {
    while (f.round() > 0) {
    }
    EXPECT_EQ(f.sent.size(), sent);
    f.clock.advance(minutes(5));
    EXPECT_EQ(f.round(), 0);
    f.clock.advance(minutes(5));
  }
}

TEST(Outbox, ACrashAfterSendingSendsTheSameAgain) {
  Fixture f;
  f.alerts(2);
  f.channel->answer = {Attempt::Outcome::cancelled};  // sent, and killed before the row was marked
  EXPECT_EQ(f.round(), 0);
  f.reopen();
  EXPECT_EQ(f.round(), 2);
  ASSERT_EQ(f.sent.size(), 3u);
  EXPECT_EQ(f.sent[1], f.sent[0]);
  f.reopen();
  EXPECT_EQ(f.round(), 0);
}

TEST(Outbox, DeliveredRowsAreForgottenInTime) {
  Fixture f;
  f.alerts(1);
  f.round();
  f.clock.advance(days(29));
  f.round();
  EXPECT_EQ(f.rows(DeliveryState::delivered).size(), 1u);
  f.clock.advance(days(2));
  f.round();
  EXPECT_EQ(f.rows(DeliveryState::delivered).size(), 0u);
}

TEST(Outbox, ThreadsDeliverAndStop) {
  Fixture f({.poll = hours(1)});
  f.dispatcher->start();
  f.alerts(5);
  f.dispatcher->wake();
  for (int i = 0; i < 500 && f.dispatcher->stats()[0].delivered < 5; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  f.dispatcher->stop();
  EXPECT_EQ(f.sent.size(), 5u);
  EXPECT_EQ(f.rows(DeliveryState::delivered).size(), 5u);
}

}  // namespace
}  // namespace paywarden
