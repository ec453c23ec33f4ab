// SIGKILL at random moments while the log is read: afterwards each record is in the tables exactly
// once.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "base/random.h"
#include "notify/alerting.h"
#include "notify/database.h"
#include "notify/test_kit.h"

namespace paywarden {
namespace {

constexpr int kPayments = 6'000;
constexpr int kKills = 40;
constexpr size_t kBatch = 10;  // records: a small part of what lies between two kills

void write_log(FakeLog& log) {
  Random random(11);
  for (int i = 0; i < kPayments; ++i)
    log.both("p" + std::to_string(i),
             {.card = "C" + std::to_string(random.below(60)), .at = seconds(i * 5)},
             static_cast<Outcome>(random.below(3)));
}

struct Reading {
  explicit Reading(const FakeLog& log, const std::string& path)
      : store(*Store::open({.path = path})),
        alerting(*store, log.fields(), {.channels = {{.name = "email"}}}, {clock, silent, {}, {}}),
        next(*alerting.start()) {}
  // All that is left of the log, in batches of `size`; `applied` counts the batches.
  void read(const FakeLog& log, size_t size, std::atomic<int>& applied) {
    while (next < log.end()) {
      auto records = log.from(next, size);
      if (!alerting.apply(records)) std::abort();
      next = records.back().sequence + 1;
      ++applied;
    }
  }
  std::string contents() const {
    std::string out;
    AlertPage page = *store->alerts({.limit = 100'000});
    for (const AlertSummary& summary : page.alerts) {
      append_json(summary, out);
      Alert whole = **store->alert(summary.id);
      for (const AlertPayment& payment : whole.payments) out += payment.payment_id + ",";
      for (const RecentPayment& payment : whole.recent) out += " " + payment.payment_id;
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

struct Kill {
  int batches;      // that are applied first
  int64_t then_us;  // and then so long, to meet any moment within a batch
};

// A process that reads the log and kills itself on the way.
int read_in_child(const FakeLog& log, const std::string& path, Kill kill) {
  pid_t child = ::fork();
  if (child == 0) {
    std::atomic<int> applied = 0;
    std::thread killer([&] {
      while (applied < kill.batches) std::this_thread::yield();
      auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(kill.then_us);
      while (std::chrono::steady_clock::now() < until) {
      }
      ::kill(::getpid(), SIGKILL);
    });
    Reading(log, path).read(log, kBatch, applied);
    std::_Exit(0);
  }
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
  for (int i = 0; i < kKills; ++i) {
    Kill kill{static_cast<int>(random.between(0, 15)), random.between(0, 1'000)};
    killed += WIFSIGNALED(read_in_child(log, path, kill));
  }
  EXPECT_GT(killed, kKills / 2)
      << "the log ended before the process was killed: this tests nothing";

  std::atomic<int> applied = 0;
  Reading straight(log, straight_folder.file("center.db")), survivor(log, path);
  straight.read(log, 1'000, applied);
  survivor.read(log, kBatch, applied);
  EXPECT_EQ(survivor.contents(), straight.contents());
  EXPECT_EQ(survivor.count("alert_payment"), straight.count("alert_payment"));
  EXPECT_EQ(survivor.count("(SELECT DISTINCT message_id FROM outbox)"), survivor.count("outbox"));
  EXPECT_EQ(
      survivor.count("alert WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE alert_id = alert.id AND "
                     "outbox.severity = alert.severity)"),
      0);
}

}  // namespace
}  // namespace paywarden
