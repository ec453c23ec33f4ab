// Carries decided payments into an object store, each exactly once, whatever crashes in between (promise E8).
//
//   Archiver archiver({source, store, plans, clock, operator_log}, options);
//   TRY(archiver.start(log.durable_end()));
//   archiver.needed_from();   // what retention must keep: positions from here on
//   archiver.stop();          // the open batch is read again at the next start
//
// A batch is a range of the log that begins where the one before it ended. It is closed when it is large or old enough; then
//   1. its range, name, encoding and hash are made durable (the plan),
//   2. the object is put,
//   3. the place behind it is made durable.
// Before 1 nothing was sent; from 1 on the range does not change any more and a retry makes the same bytes under the same name. A store
// that fails stops nothing else: it is tried again, later each time, and the log keeps what waits.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "archive/archive_source.h"
#include "archive/plan.h"
#include "base/clock.h"
#include "base/operator_log.h"
#include "base/random.h"
#include "objects/object_store.h"

namespace paywarden {

struct ArchiverOptions {
  ObjectNaming naming;
  ObjectEncoding encoding;
  uint64_t batch_bytes =
      uint64_t{64}
      << 20;  // before compression: some 100,000 decisions, a sixth of that when compressed
  uint64_t batch_records = 1'000'000;  // bounds what a reader must take at once
  Duration batch_time =
      minutes(5);  // from a batch's first decision to its end: how old the archive may be
  Duration wait = milliseconds(200);  // for new records; also how soon stop() is seen
  Duration retry_min =
      seconds(1);  // after a failure; doubled each time, of which a random part is waited
  Duration retry_max = minutes(1);  // so that a store that works again is noticed soon
};

struct ArchivePorts {
  const ArchiveSource& source;
  ObjectStore& store;
  ArchivePlanStore& plans;
  Clock& clock;
  OperatorLog& operator_log;
};

struct ArchiveFigures {
  std::atomic<uint64_t> objects{0}, records{0}, bytes{0};  // put since the start
  std::atomic<uint64_t> failures{0};                       // attempts that failed
  std::atomic<bool> failing{false};                        // the last one did
};

class Archiver {
 public:
  Archiver(ArchivePorts ports, ArchiverOptions options);
  ~Archiver() { stop(); }

  // `log_end`: where the log ended when the process started; a log that was cut ends before the place that was reached.
  Status start(uint64_t log_end);
  void stop();
  // Any thread:
  uint64_t needed_from() const { return needed_from_.load(std::memory_order_relaxed); }
  uint64_t lag() const;      // positions that are still to be read
  uint64_t pending() const;  // positions that are not in a stored object yet
  const ArchiveFigures& figures() const { return figures_; }

  // For the thread, and for tests. open(): where to go on. step(): reads, or moves an object on by one; true: there may be more to do
  // at once.
  Status open(uint64_t log_end);
  Result<bool> step();

 private:
  // What is being gathered.
  struct Batch {
    uint64_t start = 0, next = 0;  // read so far: [start, next)
    uint64_t records = 0;
    EventTime opened;  // by the clock, when its first decision was taken
    std::string name;
    std::unique_ptr<ObjectEncoder> encoder;  // null: no decision yet
  };
  // What is on its way. `state_.plan` is its plan.
  enum class Stage { none, plan, put, move };

  bool adopt(std::optional<ArchiveState> kept, uint64_t log_end);
  Result<uint64_t> fill();
  Result<bool> take(Batch& batch, const DecidedPayment& decided);
  bool is_full(const Batch& batch) const;
  bool is_due() const;
  void close_batch();
  Status remake();
  Status move_on();
  void finish();
  void start_batch();
  void run();
  void pause(Duration most) const;
  void note(const Status& done);
  Duration next_pause();

  const ArchivePorts ports_;
  const ArchiverOptions options_;
  ArchiveState state_;
  Batch batch_;
  Stage stage_ = Stage::none;
  std::string object_;  // its bytes; empty after a restart
  uint64_t object_records_ = 0;
  ArchiveFigures figures_;
  std::string told_;  // the failure that was logged last
  uint32_t failures_in_row_ = 0;
  Random random_;
  std::atomic<uint64_t> needed_from_{0}, read_to_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace paywarden
