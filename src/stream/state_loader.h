// Where the state of a partition comes from: the newest snapshot, in this instance's folder or in the shared store, that shows
// nothing beyond a committed offset; else from nothing, and all of the input is replayed.
//
//   StateLoader loader(ports, {"snapshots", "payments", "decide"});
//   TRY_ASSIGN(auto state, loader.load(partition, committed));     // to be replayed from state->next on
//
// Any thread, one load at a time.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/files.h"
#include "base/operator_log.h"
#include "engine/snapshots.h"
#include "stream/partition_state.h"
#include "stream/shared_snapshots.h"

namespace paywarden {

struct StateLoaderPorts {
  std::function<Result<std::unique_ptr<Core>>()> make_core;
  Core::ModelFinder models;
  std::function<Status(Core&)>
      configure;  // what the configuration says and the state does not know
  Files& files;
  OperatorLog& log;
  SharedSnapshots* shared = nullptr;  // null: snapshots stay in this instance's folder
};

struct StateLoaderOptions {
  std::string directory;  // a folder in it for each partition
  std::string topic, stage;
};

class StateLoader {
 public:
  StateLoader(StateLoaderPorts ports, StateLoaderOptions options)
      : ports_(std::move(ports)), options_(std::move(options)) {}

  Result<std::unique_ptr<PartitionState>> load(int32_t partition, int64_t committed);
  Snapshots snapshots_of(int32_t partition) const;
  std::string part_name(int32_t partition) const;  // "payments-0"

 private:
  Result<bool> load_newest(PartitionState& state, int64_t committed);
  void fetch_shared(Snapshots& snapshots, int32_t partition, int64_t committed);
  void complain(std::string_view event, const Error& error);

  const StateLoaderPorts ports_;
  const StateLoaderOptions options_;
  std::mutex mutex_;  // one load at a time
};

}  // namespace paywarden
