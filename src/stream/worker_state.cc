// StreamWorker: partitions that come and go, and their state.
#include <fmt/format.h>

#include <algorithm>

#include "stream/worker.h"

namespace paywarden {
namespace {

constexpr Duration kRecordTimeout = seconds(10);  // of reading one record by its offset

}  // namespace

// What is not published yet may not be published any more: the group may give the partition to somebody who decides the
// same records.
void StreamWorker::revoked(bool lost) {
  gathered_.clear();
  to_restore_.clear();
  drop_outcomes();
  for (auto& [partition, state] : states_)
    if (state->clean()) parked_[partition] = std::move(state);
  states_.clear();
  figures_.partitions = 0;
  ports_.log.write(LogLevel::info, "partitions_revoked",
                   {{"stage", options_.name}, {"lost", lost ? "yes" : "no"}});
}

void StreamWorker::assigned(std::vector<int32_t> partitions) {
  ports_.log.write(
      LogLevel::info, "partitions_assigned",
      {{"stage", options_.name}, {"partitions", fmt::format("{}", fmt::join(partitions, " "))}});
  to_restore_ = std::move(partitions);
  figures_.joined = true;
  if (standby_) standby_->own(consumer_->member_id(), to_restore_);
  if (to_restore_.empty()) leave_parked();
}

// Offsets that a transaction keeps open, and no end in sight: a broker of Kafka 4 that comes back ends a committed transaction at
// the partitions whose leader it knows by then, and forgets the others (what has no leader it takes for deleted:
// TransactionMarkerChannelManager and KRaftMetadataCache.getPartitionLeaderEndpoint, 4.3.1). The next transaction of the same
// producer ends it there.
Result<Positions> StreamWorker::committed(const std::vector<int32_t>& partitions) {
  const Duration timeout = options_.producer.call_timeout;
  auto stable = consumer_->committed(partitions, timeout);
  if (stable) return stable;
  auto so_far = consumer_->committed_so_far(partitions, timeout);
  if (!so_far) return stable;
  if (producer_ && !last_commit_.empty()) {
    TRY(commit_again(partitions, *so_far));
    return consumer_->committed(partitions, timeout);
  }
  return fail(
      "a transaction keeps the offsets of group '" + options_.group + "' open",
      "Kafka at " + options_.client.properties.bootstrap(),
      "if it lasts for minutes, see 'A transaction that does not end' in docs/OPERATIONS.md");
}

// What our last transaction is known to have committed, where nobody has gone beyond it: the same offsets are harmless there.
Status StreamWorker::commit_again(const std::vector<int32_t>& partitions, const Positions& so_far) {
  Positions again;
  for (int32_t partition : partitions) {
    auto ours = last_commit_.find(partition);
    auto theirs = so_far.find(partition);
    if (ours != last_commit_.end() && (theirs == so_far.end() || theirs->second <= ours->second))
      again.insert(*ours);
  }
  if (again.empty()) return {};
  ports_.log.write(LogLevel::warning, "committed_again",
                   {{"stage", options_.name},
                    {"why", "the brokers have not ended the last transaction everywhere"}});
  Status done = producer_->begin();
  if (done) done = producer_->commit(options_.topics.input, again, consumer_->metadata());
  if (done) return done;
  Positions committed = last_commit_;  // whatever became of this one
  give_producer_up();
  last_commit_ = std::move(committed);
  return done;
}

Status StreamWorker::restore() {
  TRY_ASSIGN(Positions committed, this->committed(to_restore_));
  // What we know to be committed is so also where the brokers have lost it with an aborted transaction that came after it.
  for (int32_t partition : to_restore_)
    if (auto ours = last_commit_.find(partition); ours != last_commit_.end())
      committed[partition] = std::max(committed[partition], ours->second);
  while (!to_restore_.empty()) {
    int32_t partition = to_restore_.back();
    TRY_ASSIGN(auto range, consumer_->range(partition, options_.producer.call_timeout));
    auto found = committed.find(partition);
    bool begun = found != committed.end();
    int64_t from = begun ? found->second : range.first;
    TRY_ASSIGN(auto state, state_of(partition, from));
    if (!begun) state->next = from;  // what the topic has forgotten was never this group's
    if (state->next < range.first && state->next < from) {
      ports_.log.write(
          LogLevel::error, "state_incomplete",
          {{"stage", options_.name},
           {"partition", std::to_string(partition)},
           {"needed_from", std::to_string(state->next)},
           {"topic_begins_at", std::to_string(range.first)},
           {"remedy", "keep the topic longer than two snapshots and the longest window"}});
      state->next = std::min(range.first, from);
    }
    skip_forgotten(*state, range.first);
    state->restore_begun = std::chrono::steady_clock::now();
    state->restored_from = state->next;
    state->restored_bytes = 0;
    state->restoring = true;
    ports_.log.write(LogLevel::info, "restoring",
                     {{"stage", options_.name},
                      {"partition", std::to_string(partition)},
                      {"has", state->source},
                      {"from", std::to_string(state->next)},
                      {"to", std::to_string(from)}});
    figures_.restores.fetch_add(1, std::memory_order_relaxed);
    states_[partition] = std::move(state);
    to_restore_.pop_back();
  }
  leave_parked();
  figures_.partitions = states_.size();
  return read_on();
}

// Progress every few seconds, and a word at the end.
void StreamWorker::note_restored(PartitionState& state) {
  constexpr std::chrono::seconds kTellEvery{5};
  if (!state.restoring) return;
  auto took = std::chrono::steady_clock::now() - state.restore_begun;
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  bool done = state.next >= state.live_from;
  if (!done && took < kTellEvery * (state.restore_told + 1)) return;
  ++state.restore_told;
  state.restoring = !done;
  double seconds = std::max<double>(static_cast<double>(ms), 1) / 1000;
  int64_t records = state.next - state.restored_from;
  ports_.log.write(
      LogLevel::info, done ? "restored" : "restoring",
      {{"stage", options_.name},
       {"partition", std::to_string(state.partition)},
       {"had", state.source},
       {"from", std::to_string(state.restored_from)},
       {"at", std::to_string(state.next)},
       {"to", std::to_string(state.live_from)},
       {"took_ms", std::to_string(ms)},
       {"records_per_s", fmt::format("{:.0f}", static_cast<double>(records) / seconds)},
       {"mb_per_s",
        fmt::format("{:.1f}", static_cast<double>(state.restored_bytes) / 1e6 / seconds)}});
}

Result<std::unique_ptr<PartitionState>> StreamWorker::state_of(int32_t partition,
                                                               int64_t committed) {
  auto parked = parked_.find(partition);
  std::unique_ptr<PartitionState> state;
  if (parked != parked_.end() && parked->second->next <= committed) {
    state = std::move(parked->second);
    state->source = "parked";
    parked_.erase(parked);
  } else if (!stage_->has_state()) {
    state = std::make_unique<PartitionState>();
    state->partition = partition;
    state->next = committed;
  } else {
    if (standby_) state = standby_->take(partition, committed);
    if (!state) {
      TRY_ASSIGN(state, loader_.load(partition, committed));
    }
  }
  state->live_from = state->committed = committed;
  return state;
}

// What was read here is a start for following it.
void StreamWorker::leave_parked() {
  if (standby_)
    for (auto& [partition, state] : parked_) standby_->offer(std::move(state));
  parked_.clear();
}

// What is waiting to be processed comes again: it may lie beyond where reading goes on.
Status StreamWorker::read_on() {
  gathered_.clear();
  Positions positions;
  for (const auto& [partition, state] : states_) positions[partition] = state->next;
  return consumer_->read_from(positions);
}

void StreamWorker::share(int32_t partition, uint64_t sequence) {
  if (ports_.shared)
    ports_.shared->offer(loader_.part_name(partition),
                         loader_.snapshots_of(partition).path_of(sequence), sequence,
                         options_.snapshots_kept);
}

// A position was not there: the topic has forgotten it, or the broker that was asked is behind the one that led before it.
Status StreamWorker::read_again() {
  back_off();
  for (auto& [partition, state] : states_) {
    TRY_ASSIGN(auto range, consumer_->range(partition, options_.producer.call_timeout));
    if (state->next > range.second)
      return fail("partition " + std::to_string(partition) + " of '" + options_.topics.input +
                      "' ends before " + std::to_string(state->next) + ", where it is read on",
                  "Kafka", "wait for its brokers to be in step again");
    skip_forgotten(*state, range.first);
  }
  return read_on();
}

// What a topic has forgotten undecided is lost: that is said, and what is there is decided.
void StreamWorker::skip_forgotten(PartitionState& state, int64_t topic_begins_at) {
  if (state.next >= topic_begins_at) return;
  ports_.log.write(LogLevel::error, "records_forgotten",
                   {{"stage", options_.name},
                    {"partition", std::to_string(state.partition)},
                    {"from", std::to_string(state.next)},
                    {"to", std::to_string(topic_begins_at)},
                    {"remedy", "they are not decided: send them again, and raise retention.ms"}});
  state.next = topic_begins_at;
}

// Only what is committed: a snapshot may be loaded by another instance.
void StreamWorker::maybe_snapshot() {
  reap_snapshot(false);
  if (snapshot_child_.running()) return;
  for (auto& [partition, state] : states_) {
    if (!state->core || state->payments_since_snapshot < options_.snapshot_every || !state->clean())
      continue;
    state->payments_since_snapshot = 0;
    snapshot_partition_ = partition;
    snapshot_sequence_ = static_cast<uint64_t>(state->next);
    Snapshots snapshots = loader_.snapshots_of(partition);
    if (snapshot_child_.start(snapshots, *state->core, static_cast<uint64_t>(state->next))) return;
  }
}

void StreamWorker::reap_snapshot(bool wait) {
  auto done = snapshot_child_.reap(wait);
  if (!done) return;
  (*done ? figures_.snapshots : figures_.snapshots_failed).fetch_add(1, std::memory_order_relaxed);
  if (!*done)
    ports_.log.write(LogLevel::error, "snapshot_failed",
                     {{"partition", std::to_string(snapshot_partition_)}});
  if (*done) share(snapshot_partition_, snapshot_sequence_);
  if (auto pruned = loader_.snapshots_of(snapshot_partition_).prune(options_.snapshots_kept);
      !pruned)
    complain("snapshot_not_removed", pruned.error());
}

void StreamWorker::snapshot_all() {
  for (auto& [partition, state] : states_) {
    if (!state->core || !state->clean()) continue;
    Snapshots snapshots = loader_.snapshots_of(partition);
    Status written = snapshots.write(*state->core, static_cast<uint64_t>(state->next));
    if (written) written = snapshots.prune(options_.snapshots_kept);
    (written ? figures_.snapshots : figures_.snapshots_failed)
        .fetch_add(1, std::memory_order_relaxed);
    if (!written) complain("snapshot_failed", written.error());
    if (written) share(partition, static_cast<uint64_t>(state->next));
  }
}

// One record by its offset; empty: it is not there any more.
Result<std::string> StreamWorker::record_at(int32_t partition, int64_t offset) {
  if (!reader_) {
    TRY_ASSIGN(reader_,
               KafkaReader::create(options_.client, options_.group + "-reader", ports_.log));
  }
  TRY_ASSIGN(auto record,
             reader_->record(options_.topics.input, partition, offset, kRecordTimeout));
  return record ? std::string(record->value()) : std::string();
}

}  // namespace paywarden
