#include "stream/standby.h"

#include <algorithm>

#include "base/background.h"

namespace paywarden {
namespace {

constexpr Duration kPoll = milliseconds(50);  // how long a stop waits where nothing comes
constexpr size_t kBatchMax = 2'000;           // records replayed at once: what take() waits for
constexpr std::chrono::seconds kRetry{1};
constexpr Duration kRecordTimeout = seconds(10);

bool is_due(std::chrono::steady_clock::time_point last, Duration every) {
  return std::chrono::steady_clock::now() - last >= std::chrono::milliseconds(every.ms());
}

}  // namespace

Standby::Standby(StandbyPorts ports, StandbyOptions options)
    : ports_(std::move(ports)),
      options_(std::move(options)),
      stage_(ports_.make_stage(
          [this](int32_t partition, int64_t offset) { return record_at(partition, offset); },
          figures_.stage)) {}

Standby::~Standby() {
  stop();
}

Status Standby::start() {
  TRY_ASSIGN(reader_, KafkaReader::create(options_.client, options_.group, ports_.log));
  thread_ = std::thread([this] { run(); });
  return {};
}

void Standby::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Standby::own(std::string member_id, const std::vector<int32_t>& partitions) {
  std::lock_guard lock(mutex_);
  member_ = std::move(member_id);
  own_ = {partitions.begin(), partitions.end()};
}

std::unique_ptr<PartitionState> Standby::take(int32_t partition, int64_t committed) {
  std::lock_guard lock(mutex_);
  auto found = states_.find(partition);
  if (found == states_.end() || found->second->next > committed) return nullptr;
  auto state = std::move(found->second);
  states_.erase(found);
  state->source = "standby";
  figures_.taken.fetch_add(1, std::memory_order_relaxed);
  positions_changed_ = true;
  return state;
}

void Standby::offer(std::unique_ptr<PartitionState> state) {
  std::lock_guard lock(mutex_);
  offered_[state->partition] = std::move(state);
}

void Standby::run() {
  work_in_background();
  while (!stopping_) {
    if (auto done = turn(); !done) {
      ports_.log.write(LogLevel::warning, "standby_failed",
                       {{"stage", options_.name}, {"error", done.error().line()}});
      looked_ = {};  // anew, with positions of its own
      for (auto end = Steady::now() + kRetry; !stopping_ && Steady::now() < end;)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

Status Standby::turn() {
  if (is_due(looked_, options_.look_every)) TRY(look_at_group());
  if (is_due(asked_, options_.committed_every)) TRY(look_at_committed());
  TRY(read());
  return replay();
}

std::vector<int32_t> Standby::followed() const {
  std::lock_guard lock(mutex_);
  std::vector<int32_t> out;
  for (const auto& [partition, state] : states_) out.push_back(partition);
  return out;
}

// What it begins and ceases to follow. While the group changes all stays as it is.
Status Standby::look_at_group() {
  looked_ = Steady::now();
  TRY_ASSIGN(auto wanted, this->wanted());
  std::vector<int32_t> now = followed();
  for (int32_t partition : now)
    if (!wanted.count(partition)) {
      std::lock_guard lock(mutex_);
      states_.erase(partition);
      positions_changed_ = true;
    }
  for (int32_t partition : wanted)
    if (std::find(now.begin(), now.end(), partition) == now.end()) TRY(follow(partition));
  {
    std::lock_guard lock(mutex_);
    offered_.clear();
    figures_.partitions = states_.size();
  }
  return {};
}

Result<std::set<int32_t>> Standby::wanted() {
  TRY_ASSIGN(GroupView view,
             group_view(reader_->client(), options_.group, options_.topic, options_.call_timeout));
  TRY_ASSIGN(int32_t partitions, reader_->partitions(options_.topic, options_.call_timeout));
  std::lock_guard lock(mutex_);
  std::set<int32_t> out;
  if (!view.stable) {
    for (const auto& [partition, state] : states_) out.insert(partition);
    return out;
  }
  for (const auto& [partition, owner] : view.owners)
    if (!own_.count(partition) && owner != member_ && view.heir(partition, partitions) == member_)
      out.insert(partition);
  return out;
}

Status Standby::follow(int32_t partition) {
  TRY_ASSIGN(Positions committed,
             reader_->committed(options_.topic, {partition}, options_.call_timeout));
  if (!committed.count(partition)) return {};  // nothing is decided yet
  std::unique_ptr<PartitionState> state;
  {
    std::lock_guard lock(mutex_);
    auto offered = offered_.find(partition);
    if (offered != offered_.end()) state = std::move(offered->second);
  }
  if (!state) {
    TRY_ASSIGN(state, ports_.loader.load(partition, committed[partition]));
  }
  TRY_ASSIGN(auto range, reader_->range(options_.topic, partition, options_.call_timeout));
  if (state->next < range.first) return {};  // its owner's start says what is missing
  ports_.log.write(LogLevel::info, "standby_follows",
                   {{"stage", options_.name},
                    {"partition", std::to_string(partition)},
                    {"from", std::to_string(state->next)},
                    {"committed", std::to_string(committed[partition])}});
  std::lock_guard lock(mutex_);
  if (own_.count(partition)) return {};  // it came here meanwhile
  states_[partition] = std::move(state);
  positions_changed_ = true;
  return {};
}

Status Standby::look_at_committed() {
  asked_ = Steady::now();
  std::vector<int32_t> partitions = followed();
  if (partitions.empty()) {
    figures_.lag = 0;
    return {};
  }
  TRY_ASSIGN(committed_, reader_->committed(options_.topic, partitions, options_.call_timeout));
  int64_t lag = 0;
  std::lock_guard lock(mutex_);
  for (const auto& [partition, state] : states_)
    if (auto at = committed_.find(partition); at != committed_.end())
      lag += std::max<int64_t>(at->second - state->next, 0);
  figures_.lag = lag;
  figures_.partitions = states_.size();
  return {};
}

// The topic has forgotten what a state would need next: the next look at the group begins it anew.
Status Standby::drop_forgotten() {
  positions_changed_ = true;
  for (int32_t partition : followed()) {
    TRY_ASSIGN(auto range, reader_->range(options_.topic, partition, options_.call_timeout));
    std::lock_guard lock(mutex_);
    auto state = states_.find(partition);
    if (state != states_.end() && state->second->next < range.first) states_.erase(state);
  }
  return {};
}

// Into held_. After a change of what is followed everything is read from where the states stand.
Status Standby::read() {
  if (reader_->position_absent()) TRY(drop_forgotten());
  if (positions_changed_.exchange(false)) {
    Positions positions;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [partition, state] : states_) positions[partition] = state->next;
    }
    held_.clear();
    held_count_ = 0;
    TRY(reader_->read_from(options_.topic, positions));
  }
  for (size_t i = 0; i < kBatchMax && held_count_ < options_.held_max; ++i) {
    TRY_ASSIGN(auto record, reader_->next(i == 0 ? kPoll : Duration()));
    if (!record) return {};
    int32_t partition = record->partition();
    held_[partition].push_back(std::move(*record));
    ++held_count_;
  }
  if (held_count_ >= options_.held_max)  // until the owners have committed more
    std::this_thread::sleep_for(std::chrono::milliseconds(kPoll.ms()));
  return {};
}

// What is committed, and nothing else: a state beyond it would be of no use to an owner.
Status Standby::replay() {
  for (auto& [partition, records] : held_) {
    auto committed = committed_.find(partition);
    if (committed == committed_.end()) continue;
    std::lock_guard lock(mutex_);
    auto state = states_.find(partition);
    if (state == states_.end()) continue;
    PartitionState& its = *state->second;
    std::vector<InputRecord> batch;
    size_t count = 0;
    for (; count < records.size() && batch.size() < kBatchMax; ++count) {
      const ConsumedRecord& record = records[count];
      if (record.offset() >= committed->second) break;
      if (record.offset() >= its.next)
        batch.push_back({record.offset(), record.timestamp(), record.value()});
    }
    TRY(stage_->process(its, batch, nullptr));
    records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(count));
    held_count_ -= count;
  }
  return {};
}

Result<std::string> Standby::record_at(int32_t partition, int64_t offset) {
  if (!single_) {
    TRY_ASSIGN(single_,
               KafkaReader::create(options_.client, options_.group + "-reader", ports_.log));
  }
  TRY_ASSIGN(auto record, single_->record(options_.topic, partition, offset, kRecordTimeout));
  return record ? std::string(record->value()) : std::string();
}

}  // namespace paywarden
