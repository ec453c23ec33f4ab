// The thread that carries the log to Alerting: reads what is durable, in batches, for ever.
//
//   LogFollower follower(log, alerting, {}, {operator_log, on_alerts});
//   TRY(follower.start(log.durable_end()));
//   follower.needed_from();  // what retention must keep: records from here on
//   follower.stop();
//
// When the store fails (disk full, locked), the same batch is tried again until it works; the log
// keeps what waits.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/operator_log.h"
#include "base/time.h"
#include "log/log.h"
#include "notify/alerting.h"

namespace paywarden {

struct FollowerOptions {
  size_t batch_records_max = 20'000;         // applied at once
  size_t batch_bytes_max = 8 * 1024 * 1024;  // bounds the copy of a batch
  Duration pace =
      milliseconds(500);  // from one batch to the next, so that a busy log costs two transactions a
                          // second and not hundreds; the first alert after a pause goes out at once
  Duration wait = milliseconds(200);  // for new records; also how soon stop() is seen
  Duration retry = seconds(1);        // after a failure of the store
};

class LogFollower {
 public:
  LogFollower(Log& log, Alerting& alerting, FollowerOptions options, OperatorLog& operator_log)
      : log_(log), alerting_(alerting), options_(options), operator_log_(operator_log) {}
  ~LogFollower() { stop(); }

  // `log_end`: where the log ended when the process started. A log that was cut ends before the place that was reached, and must be
  // seen to before anything is appended.
  Status start(uint64_t log_end);
  void stop();
  // The sequence to be read next; records before it are applied. Any thread.
  uint64_t next() const { return next_.load(std::memory_order_relaxed); }
  // What is needed of the log after a crash now: older than next(). Any thread.
  uint64_t needed_from() const { return alerting_.needed_from(); }
  uint64_t lag() const;  // durable records that are still to be read. Any thread

  // Reads and applies one batch of what is durable; answers how many records. For the thread, and
  // for tests.
  Result<size_t> step();

 private:
  struct Batch {
    std::string bytes;
    std::vector<size_t> offsets;
    std::vector<RecordView> records;
  };
  Result<Batch> read() const;
  void run();
  void pause(Duration most) const;
  void complain(const Error& error);

  Log& log_;
  Alerting& alerting_;
  const FollowerOptions options_;
  OperatorLog& operator_log_;
  std::atomic<uint64_t> next_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace paywarden
