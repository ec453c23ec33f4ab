// One instance's part in a stage: reads the partitions that the group gives it, decides, and publishes outcomes and offsets
// in one transaction (promises K1, K2, K4).
//
//   StreamWorker worker(ports, options);
//   TRY(worker.start());          // reaches the brokers, or says why not
//   worker.stop();                // finishes the batch under way, snapshots, leaves the group
//
// A partition's state is restored from the newest snapshot that is not beyond the committed offset, plus replay of the input
// from there; nothing below the committed offset is published. A commit whose end is unknown is settled by what the group has
// committed: the same bytes again, or on. One thread of its own.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "engine/snapshot_child.h"
#include "kafka/consumer.h"
#include "kafka/reader.h"
#include "kafka/topics.h"
#include "stream/decide_stage.h"
#include "stream/shared_snapshots.h"
#include "stream/stage.h"
#include "stream/standby.h"

namespace paywarden {

struct StreamTopics {
  std::string input = "payments";
  std::string decisions = "paywarden.decisions", rejects = "paywarden.rejects",
              others = "paywarden.others", alerts = "paywarden.alerts",
              replies = "paywarden.replies";
  std::vector<std::string> stages;  // inputs of the stages that count
  const std::string& of(OutcomeTopic topic) const {
    switch (topic) {
      case OutcomeTopic::decisions:
        return decisions;
      case OutcomeTopic::rejects:
        return rejects;
      case OutcomeTopic::others:
        return others;
      case OutcomeTopic::alerts:
        return alerts;
      case OutcomeTopic::replies:
        return replies;
      case OutcomeTopic::forward:
        break;
    }
    return stages.at(static_cast<size_t>(topic) - static_cast<size_t>(OutcomeTopic::forward));
  }
};

struct StreamOptions {
  KafkaClientOptions client;
  StreamTopics topics;
  std::string group = "paywarden";
  std::string
      instance;  // of the transactional id: its own for each instance, the same after a restart
  Duration batch_every =
      milliseconds(10);       // records are gathered so long: latency against commits a second
  size_t batch_max = 10'000;  // records of a transaction
  Duration reach_timeout = seconds(8);  // at the start
  ProducerLimits producer;
  Duration backoff_min = milliseconds(100), backoff_max = seconds(10);  // between attempts
  TopicOptions topic_options;
  bool input_is_others = true;        // not made here
  int32_t partitions = 4;             // of topics that are made here
  Duration retention = days(60);      // of topics that are made here
  std::string snapshot_directory;     // one folder a partition
  uint64_t snapshot_every = 500'000;  // payments of a partition: a takeover replays at most so many
  size_t snapshots_kept = 2;
  bool standby = false;  // follows partitions of others, see standby.h
  Duration newcomer_for =
      minutes(1);  // of two instances of one name the one that was started so lately ends
  std::string name = "decide";  // the stage's, in events and in the transactional id
};

struct StreamFigures {
  StageFigures stage;
  std::atomic<uint64_t> batches{0}, commits_failed{0}, restores{0}, snapshots{0},
      snapshots_failed{0};
  std::atomic<uint64_t> partitions{0};
  std::atomic<int64_t> lag{0};  // records that are visible and not decided
  std::atomic<bool> joined{false};
};

struct StreamPorts {
  std::function<std::unique_ptr<Stage>(FindPayment, StageFigures&)> make_stage;
  std::function<Result<std::unique_ptr<Core>>()> make_core;
  Core::ModelFinder models;
  std::function<Status(Core&)>
      configure;  // what the configuration says and the state does not know
  // Whether the input may be cut into so many partitions, and forget after so long.
  std::function<Status(const TopicFound&)> check_input;
  std::unique_ptr<SharedSnapshots> shared;  // null: snapshots stay in this instance's folder
  Files& files;
  Clock& clock;  // for figures
  OperatorLog& log;
  std::function<void(Duration)> on_visible;  // from a record's timestamp to its outcome's commit
};

class StreamWorker : private GroupConsumer::Member {
 public:
  StreamWorker(StreamPorts ports, StreamOptions options);
  ~StreamWorker() override;
  Status start();
  void ask_to_stop() { stopping_ = true; }  // so that several stop side by side
  void stop();
  const StreamFigures& figures() const { return figures_; }
  const StandbyFigures* standby() const { return standby_ ? &standby_->figures() : nullptr; }
  // Called once when it cannot go on, on its thread.
  void on_failure(std::function<void(const Error&)> fn) { on_failure_ = std::move(fn); }

 private:
  using States = std::map<int32_t, std::unique_ptr<PartitionState>>;
  void revoked(bool lost) override;
  void assigned(std::vector<int32_t> partitions) override;

  void run();
  Status check_topics();
  Status turn();
  bool stopping() const { return stopping_.load(); }
  void gather();
  Status process();
  void drop_processed();
  Status settle();
  Status make_producer();
  void retire_spent_producer();
  void give_producer_up();
  Status abort_again();
  Status produce(const Outcomes& outcomes);
  Status attempt();
  Status look_what_is_committed();
  Result<Positions> committed(const std::vector<int32_t>& partitions);
  Status commit_again(const std::vector<int32_t>& partitions, const Positions& so_far);
  void drop_outcomes();
  void back_off();
  void complain(std::string_view event, const Error& error);
  void note_fence();
  void give_up(const Error& error);
  void note_committed();
  void note_visible();
  Status restore();
  Result<std::unique_ptr<PartitionState>> state_of(int32_t partition, int64_t committed);
  void leave_parked();
  void note_restored(PartitionState& state);
  Status read_on();
  Status read_again();
  void skip_forgotten(PartitionState& state, int64_t topic_begins_at);
  void share(int32_t partition, uint64_t sequence);
  void maybe_snapshot();
  void reap_snapshot(bool wait);
  void snapshot_all();
  Result<std::string> record_at(int32_t partition, int64_t offset);

  StreamPorts ports_;
  const StreamOptions options_;
  StreamFigures figures_;
  StateLoader loader_;
  std::unique_ptr<Stage> stage_;
  std::function<void(const Error&)> on_failure_;
  std::unique_ptr<GroupConsumer> consumer_;
  std::unique_ptr<TransactionalProducer> producer_;
  std::unique_ptr<KafkaReader> reader_;  // of single records
  std::unique_ptr<Standby> standby_;     // null: none

  std::vector<int32_t> to_restore_;
  States states_, parked_;  // of partitions that are read; of those that were
  std::vector<ConsumedRecord> gathered_;
  Outcomes outcomes_;      // not known to be visible
  Outcomes to_abort_;      // of a transaction that was not committed
  Positions last_commit_;  // what the last transaction that was committed said; empty: not known
  std::vector<EventTime> outcome_times_;  // of the records that they are the outcome of
  Duration backoff_;
  std::deque<std::chrono::steady_clock::time_point> fences_;
  std::chrono::steady_clock::time_point begun_;
  SnapshotChild snapshot_child_;
  int32_t snapshot_partition_ = 0;
  uint64_t snapshot_sequence_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace paywarden
