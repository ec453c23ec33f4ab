// A decisions topic as a journal on this machine: what reads the log of one machine (alerts, decisions by payment id) then works
// over it unchanged. Each decision that is visible under read_committed stands in the journal once, with its payment before it,
// whatever crashes when: the place that was reached in the topic is the last record of each group.
//
//   TRY_ASSIGN(auto copy, DecisionsCopy::create(ports, options));  // where the journal ends is where it goes on
//   TRY(copy->start());            // the first time: from each partition's end on; that asks the brokers
//   copy->stop();
//
// Reads all partitions without a group; those that were added meanwhile from their beginning, at the next start. What is no decision
// with its payment is said, counted and passed over. Brokers that are away are tried again ever more seldom. A journal that fails
// ends it: on_failure. One thread of its own; figures by any.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/operator_log.h"
#include "kafka/reader.h"
#include "log/log.h"
#include "payment/decision_json.h"
#include "stream/copy_group.h"

namespace paywarden {

struct DecisionsCopyOptions {
  KafkaClientOptions client;
  std::string name = "paywarden-center";  // of the reader, as a group's
  std::string topic = "paywarden.decisions";
  size_t pairs_max = 4'000;                  // of a group, which is one fsync
  size_t group_bytes_max = 4 * 1024 * 1024;  // beyond it no more is added
  size_t pair_bytes_max = 1024 * 1024;       // a larger one is none of ours, and passed over
  Duration gather = milliseconds(50);        // for a group, from its first record on
  Duration call_timeout = seconds(10);       // of a question to the brokers
  Duration backoff_min = milliseconds(200), backoff_max = seconds(10);  // between attempts
  // A place that moved with no decision before it (markers of transactions, what was passed over) is written after so long.
  Duration settle = seconds(1);
};
// With its place a group stays below what a journal takes (JournalOptions::group_bytes_max, 16 MiB).

struct DecisionsCopyPorts {
  Log& journal;  // nobody else appends to it
  const FieldTable& fields;
  Clock& clock;
  OperatorLog& log;
  const std::atomic<bool>& paused;  // the disk is nearly full: the topic keeps what waits
  std::function<void(Duration)>
      on_visible;  // from a payment's receipt to its decision's arrival here; on the thread
  std::function<void(const Error&)> on_failure;  // it cannot go on; once, on the thread
};

// Since the start. Any thread.
struct CopyFigures {
  std::array<std::atomic<uint64_t>, 3> outcomes{};  // by Outcome
  std::array<std::atomic<uint64_t>, 50> scores{};   // by score, in fiftieths
  std::atomic<uint64_t> decided{0}, guarded{0}, passed_over{0};
  std::atomic<uint64_t> lag{0};  // records of the topic that are still to be read
};

class DecisionsCopy {
 public:
  // Errors: the journal cannot be read, or is no copy.
  static Result<std::unique_ptr<DecisionsCopy>> create(DecisionsCopyPorts ports,
                                                       DecisionsCopyOptions options);
  ~DecisionsCopy() { stop(); }
  Status start();
  void stop();
  const CopyFigures& figures() const { return figures_; }
  // Forgets groups that were written before `than`, at most up to `keep`. One thread, which may be another.
  Status drop_older(EventTime than, uint64_t keep);

  // The thread's parts, for tests that do not start it. begin(): where there is no place yet, makes it.
  Status begin();
  // Reads what comes within a moment and makes it durable; answers how many decisions.
  Result<size_t> step();

 private:
  using Steady = std::chrono::steady_clock;
  DecisionsCopy(DecisionsCopyPorts ports, DecisionsCopyOptions options);
  Status find_place();
  void run();
  Status read_on();
  Result<Positions> first_positions(bool at_end);
  Status find_lost_positions();
  void say_lost(int32_t partition, int64_t next, std::pair<int64_t, int64_t> range);
  Status gather();
  void take(const ConsumedRecord& record);
  const char* add(const ConsumedRecord& record);
  void pass_over(const ConsumedRecord& record, const char* why);
  void note_ends();
  Result<size_t> keep();
  Status append();
  void count();
  bool may_wait() const;
  void pause(Duration most) const;

  const DecisionsCopyPorts ports_;
  const DecisionsCopyOptions options_;
  CopyFigures figures_;
  std::unique_ptr<KafkaReader> reader_;
  bool reading_ = false;  // the reader stands at next_
  TopicPlace place_;      // the journal's
  bool has_place_ = false;
  Positions next_;  // behind what was gathered
  std::set<int32_t>
      live_;  // partitions whose end was reached since reading began: what comes now is new
  CopyGroup group_;
  DecisionJson json_;
  Payment payment_;
  std::string payment_bytes_;
  Steady::time_point kept_at_{}, said_at_{};
  uint64_t old_until_ = 0;  // drop_older() alone
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace paywarden
