#include "stream/state_loader.h"

#include <fmt/format.h>

#include <algorithm>

namespace paywarden {

Result<std::unique_ptr<PartitionState>> StateLoader::load(int32_t partition, int64_t committed) {
  std::lock_guard lock(mutex_);
  auto state = std::make_unique<PartitionState>();
  state->partition = partition;
  TRY_ASSIGN(bool found, load_newest(*state, committed));
  state->source = found ? "snapshot" : "nothing";
  if (!found) {
    TRY_ASSIGN(state->core, ports_.make_core());
  }
  TRY(ports_.configure(*state->core));
  return state;
}

Result<bool> StateLoader::load_newest(PartitionState& state, int64_t committed) {
  Snapshots snapshots = snapshots_of(state.partition);
  TRY(snapshots.prepare());
  fetch_shared(snapshots, state.partition, committed);
  TRY_ASSIGN(auto sequences, snapshots.list());
  for (uint64_t sequence : sequences) {
    if (sequence > static_cast<uint64_t>(committed)) continue;
    TRY_ASSIGN(state.core, ports_.make_core());
    auto loaded = snapshots.load(sequence, *state.core, ports_.models);
    if (loaded) {
      state.next = static_cast<int64_t>(sequence);
      return true;
    }
    complain("snapshot_skipped", loaded.error());
  }
  return false;
}

std::string StateLoader::part_name(int32_t partition) const {
  return fmt::format("{}-{}", options_.topic, partition);
}

Snapshots StateLoader::snapshots_of(int32_t partition) const {
  return Snapshots(ports_.files, options_.directory + "/" + part_name(partition));
}

// A store that is away costs time, not correctness: then more is replayed.
void StateLoader::fetch_shared(Snapshots& snapshots, int32_t partition, int64_t committed) {
  if (!ports_.shared) return;
  uint64_t newest_local = 0;
  if (auto local = snapshots.list())
    for (uint64_t sequence : *local)
      if (sequence <= static_cast<uint64_t>(committed))
        newest_local = std::max(newest_local, sequence);
  auto fetched =
      ports_.shared->fetch(part_name(partition), static_cast<uint64_t>(committed), newest_local,
                           [&](uint64_t sequence) { return snapshots.path_of(sequence); });
  if (!fetched) complain("snapshot_not_fetched", fetched.error());
}

void StateLoader::complain(std::string_view event, const Error& error) {
  ports_.log.write(LogLevel::error, event, {{"stage", options_.stage}, {"error", error.line()}});
}

}  // namespace paywarden
