// Delivers what is in the outbox: each row ends delivered or in the dead-letter list, through any
// crash.
//
//   std::vector<ChannelSetup> channels;
//   channels.push_back({std::move(email), {.messages_max = 60, .per = minutes(10)}});
//   Dispatcher dispatcher(store, std::move(channels), options, {clock, log, seed, on_dead});
//   dispatcher.start();   // one thread for each channel: a slow one delays no other
//   dispatcher.wake();    // new rows may be there
//   dispatcher.stop();
//
// A row that was sent but not marked so before a crash is sent again under the same message id.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/operator_log.h"
#include "base/random.h"
#include "notify/alerting_options.h"
#include "notify/channel.h"
#include "notify/store.h"

namespace paywarden {

// At most so many messages in any such time; what is beyond waits its turn. Keeps a storm from
// burying its reader.
struct QuietOptions {
  int messages_max = 60;
  Duration per = minutes(10);
};

struct DispatcherOptions {
  Duration backoff_first = seconds(5);  // before the second attempt; then doubled each time
  Duration backoff_max = minutes(30);   // a receiver that comes back is told within this
  double backoff_jitter =
      0.25;                // of the wait, both ways: a thousand rows do not return at one moment
  int attempts_max = 100;  // with the waits above about two days
  Duration age_max = hours(48);         // an alert older than this is no news; dead
  Duration retry_after_max = hours(1);  // a receiver may ask for this much, not more
  Duration poll = seconds(1);           // looks for due rows at least so often
  int rows_at_once = 16;                // read at a time: more is only stale sooner
  size_t error_bytes_max = 300;         // of an error that is kept
};

struct ChannelSetup {
  std::unique_ptr<Channel> channel;
  QuietOptions quiet;
};

struct DispatcherPorts {
  Clock& clock;
  OperatorLog& log;
  uint64_t seed = 0;  // of the jitter
  // A delivery is about to be given up; repeated after a crash. May be empty. On the channel's
  // thread.
  std::function<void(const std::string& channel, const Delivery& row, const std::string& error)>
      on_dead;
};

// Counters since the start, for metrics. Any thread.
struct ChannelStats {
  std::string name;
  uint64_t delivered = 0, failed = 0, dead = 0;
};

class Dispatcher {
 public:
  Dispatcher(Store& store, std::vector<ChannelSetup> channels, DispatcherOptions options,
             DispatcherPorts ports);
  ~Dispatcher();  // stops

  void start();
  void wake();  // any thread
  void stop();
  std::vector<ChannelStats> stats() const;

  // One round of the channel at `place`: tries what is due and allowed; answers how many rows it
  // tried. For the channel's thread, and for tests that have not started the threads.
  Result<int> run_due(size_t place);

 private:
  struct Worker;
  void run(Worker& worker);
  Status settle(Worker& worker, const Delivery& row, const Attempt& attempt);
  Status give_up(Worker& worker, const Delivery& row, const std::string& error);
  EventTime next_attempt(Worker& worker, const Delivery& row, const Attempt& attempt);
  bool quiet(Worker& worker, EventTime now) const;

  Store& store_;
  const DispatcherOptions options_;
  DispatcherPorts ports_;
  std::vector<std::unique_ptr<Worker>> workers_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  uint64_t wakes_ = 0;
};

// The alert on deliveries that were given up: one for each channel while it is open. For on_dead
// and Alerting::notice().
SystemEvent dead_delivery_event(const std::string& channel, const Delivery& row,
                                const std::string& error, EventTime now);

// The wait after `attempts` failed ones, before jitter: first, doubled each time, at most `max`.
Duration backoff(int attempts, Duration first, Duration max);

}  // namespace paywarden
