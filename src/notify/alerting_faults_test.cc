// SIGKILL at random moments while the log is read: afterwards each record is in the tables exactly
// once.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/random.h"
#include "notify/alerting.h"
#include "notify/database.h"
#include "notify/test_kit.h"

namespace paywarden {
namespace {

constexpr int kPayments = 3'000;

void write_log(FakeLog& log) {
  Random random(11);
  for (int i = 0; i < kPayments; ++i)
    log.both("p" + std::to_string(i),
             {.card = "C" + std::to_string(random.below(60)), .at = seconds(i * 5)},
             static_cast<Outcome>(random.below(3)));
}

struct Reading {
  explicit Reading(const FakeLog& log, const std::string& path)
      : store(*Store::open({.path = path, .recent_per_card = kPayments})),
        alerting(*store, log.fields(), {.channels = {{.name = "email"}}}, {clock, silent, {}, {}}),
        next(*alerting.start()) {}
  // All that is left of the log, in batches of `size`.
  void read(const FakeLog& log, size_t size) {
    while (next < log.end()) {
      auto records = log.from(next, size);
      if (!alerting.apply(records)) std::abort();
      next = records.back().sequence + 1;
    }
  }
  std::string contents() const {
    std::string out;
    AlertPage page = *store->alerts({.limit = 100'000});
    for (const AlertSummary& summary : page.alerts) {
      append_json(summary, out);
      Alert whole = **store->alert(summary.id);
      for (const AlertPayment& payment : whole.payments) out += payment.payment_id + ",";
      out += "\n";
    }
    return out;
  }
  int64_t count(const std::string& what) const {
    long long n = 0;
    EXPECT_TRUE(store->database().read([&](soci::session& sql) -> Status {
      sql << "SELECT COUNT(*) FROM " + what, soci::into(n);
      return {};
    }));
    return n;
  }
  ManualClock clock{FakeLog::kStart};
  SilentLog silent;
  std::unique_ptr<Store> store;
  Alerting alerting;
  uint64_t next;
};

// A process that reads the log until it is done (0) or killed.
int read_in_child(const FakeLog& log, const std::string& path, int64_t kill_after_us) {
  pid_t child = ::fork();
  if (child == 0) {
    Reading reading(log, path);
    reading.read(log, 40);
    std::_Exit(0);
  }
  ::usleep(static_cast<useconds_t>(kill_after_us));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(AlertingFaults, KilledAtRandomMoments) {
  FakeLog log;
  write_log(log);
  TemporaryFolder straight_folder, folder(TemporaryFolder::Where::disk);
  std::string path = folder.file("center.db");
  Random random(static_cast<uint64_t>(::getpid()));
  int killed = 0;
  for (int i = 0; i < 40; ++i)
    killed += WIFSIGNALED(read_in_child(log, path, random.between(2'000, 60'000)));
  EXPECT_GT(killed, 5) << "the processes ended before they were killed: this tests nothing";

  Reading straight(log, straight_folder.file("center.db")), survivor(log, path);
  straight.read(log, 1'000);
  survivor.read(log, 40);
  EXPECT_EQ(survivor.contents(), straight.contents());
  EXPECT_EQ(survivor.count("recent_payment"), kPayments);
  EXPECT_EQ(survivor.count("alert_payment"), straight.count("alert_payment"));
  EXPECT_EQ(survivor.count("(SELECT DISTINCT message_id FROM outbox)"), survivor.count("outbox"));
  EXPECT_EQ(
      survivor.count("alert WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE alert_id = alert.id AND "
                     "outbox.severity = alert.severity)"),
      0);
}

}  // namespace
}  // namespace paywarden
