#include "notify/alerting.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/random.h"
#include "notify/database.h"
#include "notify/message.h"
#include "notify/test_kit.h"

namespace paywarden {
namespace {

using soci::into;

AlertingOptions options_with_channels() {
  AlertingOptions options;
  options.page_url = "http://127.0.0.1:8080";
  options.channels = {{.name = "email"},
                      {.name = "pager", .outcome_min = Outcome::decline, .system_alerts = false}};
  return options;
}

struct Fixture {
  explicit Fixture(const AlertingOptions& wanted = options_with_channels())
      : store(*Store::open({.path = folder.file("center.db")})), options(wanted) {
    reopen();
  }
  void reopen() {
    alerting.reset();
    store.reset();
    store = *Store::open({.path = folder.file("center.db")});
    alerting = std::make_unique<Alerting>(
        *store, log.fields(), options,
        AlertingPorts{clock, silent,
                      [this](std::span<const int64_t> ids) { changes += ids.size(); },
                      [](std::string_view bytes) -> std::optional<SystemEvent> {
                        if (bytes != "guard") return std::nullopt;
                        return SystemEvent{AlertKind::guard,     "guard",
                                           Outcome::decline,     "The decline guard engaged",
                                           "Look at the model.", FakeLog::kStart};
                      }});
    resume = *alerting->start(log.end());
  }
  // Feeds the log from where this stands, in batches of `size`.
  void feed(size_t size = 1000) {
    while (resume < log.end()) {
      auto records = log.from(resume, size);
      ASSERT_TRUE(alerting->apply(records));
      resume = records.back().sequence + 1;
    }
  }
  std::vector<AlertSummary> alerts() const {
    return store->alerts({.limit = 1000})->alerts;
  }  // newest first
  int64_t count(const std::string& what) const {
    long long n = 0;
    EXPECT_TRUE(store->database().read([&](soci::session& sql) -> Status {
      sql << "SELECT COUNT(*) FROM " + what, into(n);
      return {};
    }));
    return n;
  }

  TemporaryFolder folder;
  FakeLog log;
  ManualClock clock{FakeLog::kStart};
  SilentLog silent;
  std::unique_ptr<Store> store;
  AlertingOptions options;
  std::unique_ptr<Alerting> alerting;
  uint64_t resume = 0;
  size_t changes = 0;
};

// "card=C1 at=60 amount=12.00 review" -> the alerts, oldest first, as "2x22.00 review".
TEST(Alerting, Grouping) {
  struct Row {
    const char* name;
    std::vector<const char*> payments;
    const char* alerts;
  };
  const Row kRows[] = {
      {"approved payments are no alert", {"C1 0 1000 approve", "C1 5 1000 approve"}, ""},
      {"one of each", {"C1 0 1200 review", "C2 5 1000 decline"}, "1x12.00 review; 1x10.00 decline"},
      {"one card close together", {"C1 0 1200 review", "C1 60 1000 review"}, "2x22.00 review"},
      {"severity rises and stays",
       {"C1 0 100 review", "C1 9 100 decline", "C1 10 100 review"},
       "3x3.00 decline"},
      {"exactly the window", {"C1 0 100 review", "C1 1800 100 review"}, "2x2.00 review"},
      {"past the window",
       {"C1 0 100 review", "C1 1801 100 review"},
       "1x1.00 review; 1x1.00 review"},
      {"each one extends",
       {"C1 0 100 review", "C1 1500 100 review", "C1 3000 100 review"},
       "3x3.00 review"},
      {"approvals between do not extend",
       {"C1 0 100 review", "C1 1500 100 approve", "C1 3000 100 review"},
       "1x1.00 review; 1x1.00 review"},
      {"a late one joins", {"C1 5000 100 review", "C1 3300 100 review"}, "2x2.00 review"},
      {"a very late one does not",
       {"C1 5000 100 review", "C1 0 100 review"},
       "1x1.00 review; 1x1.00 review"},
      {"cards do not mix",
       {"C1 0 100 review", "C2 1 100 review", "C1 2 100 review"},
       "2x2.00 review; 1x1.00 review"},
      {"zero is an amount", {"C1 0 0 review"}, "1x0.00 review"},
  };
  for (const Row& row : kRows) {
    for (size_t batch : {1000u, 3u}) {
      Fixture f;
      int n = 0;
      for (const char* line : row.payments) {
        std::istringstream words(line);
        std::string card, outcome;
        int64_t at = 0, amount = 0;
        words >> card >> at >> amount >> outcome;
        f.log.both("p" + std::to_string(++n),
                   {.card = card, .at = seconds(at), .amount_minor = amount},
                   outcome == "approve"  ? Outcome::approve
                   : outcome == "review" ? Outcome::review
                                         : Outcome::decline);
      }
      f.feed(batch);
      std::string got;
      auto alerts = f.alerts();
      for (auto alert = alerts.rbegin(); alert != alerts.rend(); ++alert)
        got += (got.empty() ? "" : "; ") + std::to_string(alert->payments) + "x" +
               amount_text(alert->amount_minor, alert->currency) + " " +
               std::string(name_of(alert->outcome));
      EXPECT_EQ(got, row.alerts) << row.name << ", batches of " << batch;
    }
  }
}

TEST(Alerting, AnAlertWhole) {
  Fixture f;
  f.log.both("p0", {.card = "C1", .at = seconds(-100), .amount_minor = 500}, Outcome::approve,
             0.01f);
  f.log.both("p1", {.card = "C1", .amount_minor = 91'240}, Outcome::decline, 0.97f);
  f.feed();
  auto alert = *f.store->alert(1);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->summary.title, "Declined: 912.40 EUR at Corner Shop");
  EXPECT_EQ(alert->summary.card, "411111******C100");
  EXPECT_FLOAT_EQ(static_cast<float>(alert->summary.score), 0.97f);
  EXPECT_EQ(alert->summary.opened, FakeLog::kStart);
  ASSERT_EQ(alert->payments.size(), 1u);
  EXPECT_EQ(alert->payments[0].payment_id, "p1");
  EXPECT_EQ(alert->payments[0].fields, R"({"device":"phone \"7\""})");
  EXPECT_NE(alert->payments[0].decision.find(R"("model":"test-model")"), std::string::npos);
  ASSERT_EQ(alert->recent.size(), 2u);
  EXPECT_EQ(alert->recent[0].payment_id, "p1");
  EXPECT_EQ(alert->recent[1].outcome, Outcome::approve);
  EXPECT_FALSE(alert->verdict);
  EXPECT_EQ(f.store->counts()->open, 1);
  EXPECT_FALSE(*f.store->alert(2));
}

TEST(Alerting, ObserveModeAlertsOnWhatItWouldHaveBeen) {
  Fixture f;
  f.log.payment("p1", {.card = "C1"});
  f.log.payment("p2", {.card = "C2"});
  f.log.decide("p1", Outcome::decline, 0.9f, true);
  f.log.decide("p2", Outcome::approve, 0.1f, true);
  f.feed();
  auto alerts = f.alerts();
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].outcome, Outcome::decline);
  EXPECT_EQ(alerts[0].title, "Would decline: 10.00 EUR at Corner Shop");
}

TEST(Alerting, HistoryNeverAlertsButIsShown) {
  Fixture f;
  f.log.payment("old", {.card = "C1", .at = hours(-5), .backfilled = true});
  f.log.both("p1", {.card = "C1"}, Outcome::review);
  f.feed();
  auto alert = *f.store->alert(1);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->summary.payments, 1);
  ASSERT_EQ(alert->recent.size(), 2u);
  EXPECT_EQ(alert->recent[1].payment_id, "old");
  EXPECT_FALSE(alert->recent[1].outcome);
}

TEST(Alerting, OtherCurrenciesAreNotSummedUp) {
  Fixture f;
  f.log.both("p1", {.card = "C1", .amount_minor = 100, .currency = "EUR"}, Outcome::review);
  f.log.both("p2", {.card = "C1", .amount_minor = 7, .currency = "JPY"}, Outcome::review);
  f.feed();
  EXPECT_EQ(f.alerts()[0].amount_minor, 100);
  EXPECT_EQ(f.alerts()[0].payments, 2);
  EXPECT_EQ(amount_text((*f.store->alert(1))->payments[1].amount_minor,
                        (*f.store->alert(1))->payments[1].currency),
            "7");
}

TEST(Alerting, AFullAlertIsFollowedByAnother) {
  AlertingOptions options = options_with_channels();
  options.alert_payments_max = 3;
  Fixture f(options);
  for (int i = 0; i < 7; ++i)
    f.log.both("p" + std::to_string(i), {.at = seconds(i)}, Outcome::review);
  f.feed(4);
  auto alerts = f.alerts();
  ASSERT_EQ(alerts.size(), 3u);
  EXPECT_EQ(alerts[0].payments, 1);
  EXPECT_EQ(alerts[2].payments, 3);
}

TEST(Alerting, AClosedAlertDoesNotGrow) {
  Fixture f;
  f.log.both("p1", {.at = seconds(0)}, Outcome::review);
  f.feed();
  ASSERT_TRUE(*f.store->give_verdict(
      {.alert_id = 1, .verdict = AlertState::dismissed, .user = "maria", .at = {}}));
  f.log.both("p2", {.at = seconds(5)}, Outcome::review);
  f.feed();
  auto alerts = f.alerts();
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[0].state, AlertState::open);
  EXPECT_EQ(alerts[1].payments, 1);
}

TEST(Alerting, ChannelsAreToldOnceAndAgainWhenItGetsWorse) {
  Fixture f;
  f.log.both("p1", {.at = seconds(0)}, Outcome::review);
  f.feed();
  EXPECT_EQ(f.count("outbox WHERE channel = 'email'"), 1);
  EXPECT_EQ(f.count("outbox WHERE channel = 'pager'"), 0);
  for (int i = 0; i < 5; ++i)
    f.log.both("q" + std::to_string(i), {.at = seconds(i)}, Outcome::review);
  f.feed(2);
  EXPECT_EQ(f.count("outbox"), 1) << "growth at the same severity is silent";
  f.log.both("p2", {.at = seconds(9)}, Outcome::decline);
  f.log.both("p3", {.at = seconds(9)}, Outcome::decline);
  f.feed(2);
  EXPECT_EQ(f.count("outbox WHERE channel = 'email'"), 2);
  EXPECT_EQ(f.count("outbox WHERE channel = 'pager'"), 1);
  auto rows = *f.store->deliveries(DeliveryState::waiting, 10);
  auto message = parse_message(rows[0].payload);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->type, MessageType::raised);
  EXPECT_EQ(message->url, "http://127.0.0.1:8080/#/alerts/1");
  ASSERT_EQ(message->reasons.size(), 2u);
  EXPECT_EQ(message->reasons[0].feature, "card_count_10m");
  EXPECT_EQ(message->reasons[0].text, "");
  EXPECT_EQ(message->reasons[1].text, "amount is 3.5 x the mean");
  EXPECT_EQ(rows[0].payload.find(R"("text":"")"), std::string::npos);
  EXPECT_EQ(message->rules, std::vector<std::string>{"too many in ten minutes"});
  EXPECT_EQ(parse_message(rows[2].payload)->type, MessageType::opened);
}

TEST(Alerting, GuardAndSystemEvents) {
  Fixture f;
  f.log.append(RecordKind::change, "other");
  f.log.append(RecordKind::change, "guard");
  f.log.append(RecordKind::change, "guard");
  f.feed();
  ASSERT_EQ(f.alerts().size(), 1u);
  EXPECT_EQ(f.alerts()[0].kind, AlertKind::guard);
  EXPECT_EQ(f.alerts()[0].title, "The decline guard engaged");
  SystemEvent disk{AlertKind::system,         "disk",          Outcome::review,
                   "The disk is nearly full", "4 hours left.", f.clock.now()};
  ASSERT_TRUE(f.alerting->notice(disk));
  ASSERT_TRUE(f.alerting->notice(disk));
  EXPECT_EQ(f.alerts().size(), 2u);
  EXPECT_EQ((*f.store->alert(2))->detail, "4 hours left.");
  EXPECT_EQ(f.count("outbox WHERE channel = 'email'"), 2);
  EXPECT_EQ(f.count("outbox WHERE channel = 'pager'"), 0) << "the pager wants no system alerts";
  EXPECT_EQ(f.changes, 3u);
}

TEST(Alerting, ADecisionInALaterBatchFindsItsPaymentAfterARestart) {
  AlertingOptions options = options_with_channels();
  options.cursor_records_max = 1;  // each record is noted
  Fixture f(options);
  f.log.payment("p1", {.card = "C1"});
  f.log.payment("p2", {.card = "C2"});
  f.feed(1);
  f.reopen();
  EXPECT_EQ(f.resume, 1u) << "both payments still wait";
  f.feed();
  f.log.decide("p2", Outcome::review);
  f.feed();
  f.reopen();
  EXPECT_EQ(f.resume, 1u);
  f.feed();
  f.log.decide("p1", Outcome::review);
  f.feed();
  EXPECT_EQ(f.alerts().size(), 2u);
  f.reopen();
  EXPECT_EQ(f.resume, f.log.end());
}

TEST(Alerting, RubbishIsSkipped) {
  Fixture f;
  f.log.append(RecordKind::payment, "no payment");
  f.log.append(RecordKind::decision, "");
  f.log.both("p1", {}, Outcome::review);
  f.feed();
  EXPECT_EQ(f.alerts().size(), 1u);
}

// A random log, decisions trailing their payments; the store reopened at random moments, batches of
// random sizes.
void feed_with_crashes(Fixture& f, Random& random) {
  while (f.resume < f.log.end()) {
    auto records = f.log.from(f.resume, 1 + random.below(40));
    if (random.chance(0.3)) {  // killed inside the transaction: nothing of it stays
      auto hostile = f.store->database().write([&](soci::session& sql) -> Status {
        sql << "UPDATE alert SET payments = payments + 1000";
        sql << "DELETE FROM outbox";
        return fail("killed here");
      });
      ASSERT_FALSE(hostile);
      f.reopen();
      continue;
    }
    ASSERT_TRUE(f.alerting->apply(records));
    f.resume = records.back().sequence + 1;
    if (random.chance(0.3)) f.reopen();
  }
}

void write_random_log(FakeLog& log, Random& random) {
  std::vector<std::string> waiting;
  for (int i = 0; i < 200; ++i) {
    std::string id = "p" + std::to_string(i);
    bool history = random.chance(0.1);
    log.payment(id, {.card = "C" + std::to_string(random.below(16)),
                     .at = seconds(i * 20),
                     .backfilled = history});
    if (!history) waiting.push_back(id);
    while (!waiting.empty() && random.chance(0.5)) {
      size_t at = random.below(waiting.size());
      log.decide(waiting[at], static_cast<Outcome>(random.below(3)));
      waiting.erase(waiting.begin() + static_cast<ptrdiff_t>(at));
    }
  }
  for (const std::string& id : waiting) log.decide(id, Outcome::review);
}

std::string contents(const Fixture& f) {
  std::string out;
  for (const AlertSummary& summary : f.alerts()) {
    append_json(summary, out);
    Alert whole = **f.store->alert(summary.id);
    for (const AlertPayment& p : whole.payments) out += p.payment_id + ",";
    for (const RecentPayment& p : whole.recent) out += " " + p.payment_id;
    out += "\n";
  }
  return out;
}

TEST(Alerting, ExactlyOnceThroughCrashes) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Random random(seed), same(seed);
    Fixture straight, crashing;
    write_random_log(straight.log, random);
    write_random_log(crashing.log, same);
    straight.feed();
    feed_with_crashes(crashing, random);
    ASSERT_FALSE(straight.alerts().empty());
    EXPECT_EQ(contents(crashing), contents(straight)) << "seed " << seed;
    EXPECT_EQ(crashing.count("(SELECT DISTINCT message_id FROM outbox)"), crashing.count("outbox"));
    EXPECT_EQ(
        crashing.count("alert WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE alert_id = alert.id "
                       "AND channel = 'email' AND outbox.severity = alert.severity)"),
        0);
  }
}

// A power cut took recent payments that the alerts' cursor is past; or somebody removed the folder.
TEST(Alerting, RecentPaymentsThatWereLostAreReadAgain) {
  for (uint64_t most : {1'000'000u, 10u}) {
    AlertingOptions options = options_with_channels();
    options.recent_rebuild_records_max = most;
    Fixture f(options);
    for (int i = 0; i < 20; ++i)
      f.log.both("p" + std::to_string(i), {.at = seconds(i)}, Outcome::review);
    f.feed(7);
    std::string before = contents(f);
    f.alerting.reset();
    f.store.reset();
    std::filesystem::remove_all(f.folder.file("recent"));
    f.reopen();
    f.feed(7);
    EXPECT_EQ((*f.store->alert(1))->recent.size(), most > 40 ? 20u : 5u);
    EXPECT_EQ(f.alerts().size(), 1u) << "no alert is made twice";
    EXPECT_EQ(f.count("alert_payment"), 20);
    if (most > 40) {
      EXPECT_EQ(contents(f), before);
    }
  }
}

TEST(Alerting, WithoutAlertsTheCursorIsNotedNowAndThen) {
  AlertingOptions options = options_with_channels();
  options.cursor_records_max = 30;
  Fixture f(options);
  for (int i = 0; i < 14; ++i) f.log.both("p" + std::to_string(i), {}, Outcome::approve);
  f.feed(2);
  EXPECT_EQ(f.alerting->applied_to(), 29u);
  EXPECT_EQ(f.alerting->needed_from(), 0u) << "nothing was written to the store";
  f.reopen();
  EXPECT_EQ(f.alerting->applied_to(), 0u);
  f.feed(2);
  f.log.both("q", {}, Outcome::approve);
  f.feed(2);
  EXPECT_EQ(f.alerting->needed_from(), f.log.end());
  f.log.both("r", {}, Outcome::review);
  f.feed(2);
  EXPECT_EQ(f.alerting->needed_from(), f.log.end());
  EXPECT_EQ((*f.store->alert(1))->recent.size(), 16u);
}

// The log became shorter (journal cut): numbers are given again.
TEST(Alerting, ACursorBeyondTheLogIsSetBack) {
  Fixture f;
  for (int i = 0; i < 10; ++i)
    f.log.both("p" + std::to_string(i), {.at = seconds(i)}, Outcome::review);
  f.feed();
  FakeLog cut;
  for (int i = 0; i < 5; ++i)
    cut.both("p" + std::to_string(i), {.at = seconds(i)}, Outcome::review);
  uint64_t end = cut.end();
  f.resume = *f.alerting->start(end);
  EXPECT_EQ(f.alerting->applied_to(), end);
  EXPECT_EQ(f.alerting->needed_from(), end);
  for (int i = 0; i < 3; ++i)
    cut.both("new" + std::to_string(i), {.card = "C2", .at = hours(1)}, Outcome::review);
  ASSERT_TRUE(f.alerting->apply(cut.from(f.resume)));
  ASSERT_EQ(f.alerts().size(), 2u);
  EXPECT_EQ(f.alerts()[0].payments, 3);
  EXPECT_EQ((*f.store->alert(2))->recent.size(), 3u);
  EXPECT_EQ((*f.store->alert(1))->recent.size(), 5u) << "what was cut is not shown as paid";
  f.reopen();
  EXPECT_EQ(f.alerting->applied_to(), cut.end());
}

}  // namespace
}  // namespace paywarden
