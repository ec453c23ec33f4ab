// Follows partitions that other instances have, so that a takeover has little left to replay: the state of a partition stands here
// already, up to what its owner has committed (promise K5: it is the owner's, bit for bit).
//
//   Standby standby(ports, {client, "paywarden", "payments"});
//   TRY(standby.start());
//   standby.own(member_id, {0, 3});                     // at each assignment: those are followed no more
//   auto state = standby.take(partition, committed);    // null: it was not followed
//   standby.stop();
//
// Which ones: those that would come to this instance if their present owner were gone (kafka/group_view.h). Every instance looks at the
// group and works that out alike, so each partition is followed by one other instance. Costs the memory of those states once
// more, and the processor time of their payments without scores. A thread of its own; own() and take() by one other.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "kafka/group_view.h"
#include "kafka/reader.h"
#include "stream/stage.h"
#include "stream/state_loader.h"

namespace paywarden {

struct StandbyOptions {
  KafkaClientOptions client;
  std::string group, topic;
  std::string name = "decide";       // the stage's, in events
  Duration look_every = seconds(2);  // at the group: later than a takeover takes to be worth it
  Duration committed_every = milliseconds(500);  // how far the owners are
  size_t held_max = 20'000;  // records read that no owner has committed yet; then reading waits
  Duration call_timeout = seconds(10);
};

struct StandbyFigures {
  StageFigures stage;
  std::atomic<uint64_t> partitions{0}, taken{0};
  std::atomic<int64_t> lag{
      0};  // records that owners have committed and that are not in the states here
};

struct StandbyPorts {
  std::function<std::unique_ptr<Stage>(FindPayment, StageFigures&)> make_stage;
  StateLoader& loader;
  OperatorLog& log;
};

class Standby {
 public:
  Standby(StandbyPorts ports, StandbyOptions options);
  ~Standby();
  Status start();
  void stop();
  // This instance's id in the group, and what it has. Not waited for.
  void own(std::string member_id, const std::vector<int32_t>& partitions);
  // Up to `committed` at most. Waits for the batch under way.
  std::unique_ptr<PartitionState> take(int32_t partition, int64_t committed);
  // A state that its owner has here and now gives up, not beyond what is committed: a start for following it.
  void offer(std::unique_ptr<PartitionState> state);
  const StandbyFigures& figures() const { return figures_; }

 private:
  using States = std::map<int32_t, std::unique_ptr<PartitionState>>;
  using Steady = std::chrono::steady_clock;
  void run();
  Status turn();
  Status look_at_group();
  Result<std::set<int32_t>> wanted();
  Status follow(int32_t partition);
  Status look_at_committed();
  Status drop_forgotten();
  Status read();
  Status replay();
  Result<std::string> record_at(int32_t partition, int64_t offset);
  std::vector<int32_t> followed() const;

  const StandbyPorts ports_;
  const StandbyOptions options_;
  StandbyFigures figures_;
  std::unique_ptr<Stage> stage_;
  std::unique_ptr<KafkaReader> reader_, single_;  // single_: of single records
  Positions committed_;
  std::map<int32_t, std::deque<ConsumedRecord>> held_;  // read, not replayed
  size_t held_count_ = 0;
  Steady::time_point looked_, asked_;
  std::atomic<bool> positions_changed_{false};  // what is read is no longer what is followed

  mutable std::mutex mutex_;  // the next four, and the states while they are replayed
  States states_, offered_;
  std::string member_;
  std::set<int32_t> own_;

  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace paywarden
