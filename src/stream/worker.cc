// StreamWorker: gathering, deciding, publishing.
#include "stream/worker.h"

#include <fmt/format.h>

#include <algorithm>

namespace paywarden {
namespace {

using Steady = std::chrono::steady_clock;

constexpr Duration kIdlePoll =
    milliseconds(100);  // how long a stop waits at most where nothing comes
// A transaction that timed out is fenced once; two instances of one name fence each other again and again.
constexpr size_t kFencesMax = 5;
constexpr std::chrono::minutes kFencesWithin{1};

int64_t ms_since(Steady::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - start).count();
}

}  // namespace

StreamWorker::StreamWorker(StreamPorts ports, StreamOptions options)
    : ports_(std::move(ports)),
      options_(std::move(options)),
      stage_(ports_.make_stage(
          [this](int32_t partition, int64_t offset) { return record_at(partition, offset); },
          figures_.stage)),
      backoff_(options_.backoff_min) {}

StreamWorker::~StreamWorker() {
  stop();
}

Status StreamWorker::start() {
  TRY_ASSIGN(consumer_,
             GroupConsumer::create(options_.client, {options_.group, options_.topics.input}, *this,
                                   ports_.log));
  TRY(consumer_->client().reach(options_.reach_timeout));
  TRY(check_topics());
  thread_ = std::thread([this] { run(); });
  return {};
}

Status StreamWorker::check_topics() {
  const StreamTopics& topics = options_.topics;
  std::vector<TopicWanted> wanted;
  for (const std::string& name :
       {topics.input, topics.decisions, topics.rejects, topics.others, topics.alerts})
    wanted.push_back({name, options_.partitions, options_.retention});
  for (const std::string& name : topics.stages)
    if (name != topics.input) wanted.push_back({name, options_.partitions, options_.retention});
  TRY_ASSIGN(auto found, ensure_topics(consumer_->client(), wanted, options_.topic_options,
                                       options_.reach_timeout));
  for (const auto& [name, topic] : found)
    if (topic.made)
      ports_.log.write(LogLevel::info, "topic_made",
                       {{"topic", name}, {"partitions", std::to_string(topic.partitions)}});
  return ports_.check_input(found[topics.input]);
}

void StreamWorker::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void StreamWorker::run() {
  while (!stopping()) {
    if (auto done = turn(); !done) {
      complain("kafka_work_failed", done.error());
      back_off();
    } else {
      backoff_ = options_.backoff_min;
    }
  }
  reap_snapshot(true);
  snapshot_all();
  ports_.shared.reset();  // once what was offered is copied
  consumer_->leave();
}

Status StreamWorker::turn() {
  TRY(make_producer());
  if (!to_restore_.empty()) TRY(restore());
  if (consumer_->position_absent()) TRY(read_again());
  gather();
  TRY(process());
  TRY(settle());
  maybe_snapshot();
  return {};
}

// From the first record on for `batch_every`, or until there are enough.
void StreamWorker::gather() {
  auto begun = Steady::now();
  while (gathered_.size() < options_.batch_max && to_restore_.empty() && !stopping()) {
    int64_t left = options_.batch_every.ms() - ms_since(begun);
    if (!gathered_.empty() && left <= 0) return;
    auto record = consumer_->poll(gathered_.empty() ? kIdlePoll : milliseconds(left));
    if (auto problem = consumer_->problem()) return complain("kafka_read_failed", *problem);
    if (!record && gathered_.empty()) return;
    if (!record) continue;
    if (gathered_.empty()) begun = Steady::now();
    gathered_.push_back(std::move(*record));
  }
}

// What was gathered, a partition at a time; the records of each are in order. After an error all of it stays for the next turn, which
// passes over what was processed; to read it again instead would stop and start fetching, and where a rebalance comes at
// that moment librdkafka ends the process (its issue 5573).
Status StreamWorker::process() {
  std::map<int32_t, std::pair<std::vector<InputRecord>, std::vector<InputRecord>>> parts;
  for (const ConsumedRecord& record : gathered_) {
    auto state = states_.find(record.partition());
    if (state == states_.end() || record.offset() < state->second->next) continue;
    bool live = record.offset() >= state->second->live_from;
    auto& part = parts[record.partition()];
    (live ? part.second : part.first)
        .push_back({record.offset(), record.timestamp(), record.value()});
  }
  Status status;
  for (auto& [partition, part] : parts) {
    PartitionState& state = *states_[partition];
    if (status) status = stage_->process(state, part.first, nullptr);
    for (const InputRecord& record : part.first) state.restored_bytes += record.value.size();
    note_restored(state);
    if (status) status = stage_->process(state, part.second, &outcomes_);
    for (const InputRecord& record : part.second)
      if (record.offset < state.next) outcome_times_.push_back(record.timestamp);
  }
  if (status) gathered_.clear();
  return status;
}

// Until the outcomes are visible, or are no longer ours to publish. After a failed attempt nothing is sent before it is known
// what became of it: the same bytes once more would be a second outcome.
Status StreamWorker::settle() {
  bool unclear = false;
  while (!outcomes_.empty()) {
    Status done = unclear ? look_what_is_committed() : attempt();
    if (done) {
      if (!unclear) note_committed();
      unclear = false;
      continue;
    }
    if (unclear) {
      complain("committed_offsets_unknown", done.error());
    } else {
      figures_.commits_failed.fetch_add(1, std::memory_order_relaxed);
      complain("commit_failed", done.error());
    }
    if (producer_ && producer_->fenced()) note_fence();
    producer_.reset();
    unclear = true;
    if (stopping()) return {};  // what is not visible is decided again after the next start
    back_off();
  }
  return {};
}

// Also at the start: that ends what a former run of this instance left open, and what others would wait for.
Status StreamWorker::make_producer() {
  if (producer_) return {};
  TRY_ASSIGN(producer_,
             TransactionalProducer::create(
                 options_.client, options_.group + "-" + options_.name + "-" + options_.instance,
                 options_.producer, ports_.log));
  return {};
}

Status StreamWorker::attempt() {
  TRY(make_producer());
  TRY(producer_->begin());
  std::string input;
  for (const Outcomes::Outcome& o : outcomes_.all()) {
    input.clear();
    if (o.offset != kNoOutcome)
      input = fmt::format("{}:{}:{}", options_.topics.input, o.partition, o.offset);
    TRY(producer_->produce({options_.topics.of(o.topic), outcomes_.key(o), outcomes_.value(o),
                            input, outcomes_.payment(o)}));
  }
  Positions positions;
  for (auto [partition, span] : outcomes_.input) positions[partition] = span.second;
  return producer_->commit(options_.topics.input, positions, consumer_->metadata());
}

// After an attempt whose end is unknown. The producer is made anew first: that ends the former transaction one way or the
// other, so that what is read here stays so.
Status StreamWorker::look_what_is_committed() {
  TRY(make_producer());
  std::vector<int32_t> partitions;
  for (const auto& [partition, span] : outcomes_.input) partitions.push_back(partition);
  TRY_ASSIGN(auto committed, consumer_->committed(partitions, options_.producer.call_timeout));
  size_t done = 0, undone = 0;
  for (auto [partition, span] : outcomes_.input) {
    auto found = committed.find(partition);
    int64_t now = found == committed.end() ? states_[partition]->committed : found->second;
    done += now == span.second;
    undone += now == states_[partition]->committed;
  }
  if (undone == partitions.size()) return {};
  if (done == partitions.size()) {
    note_committed();
    return {};
  }
  // Somebody else has gone on with a partition: its state here is of another history.
  for (int32_t partition : partitions) {
    states_.erase(partition);
    to_restore_.push_back(partition);
  }
  drop_outcomes();
  return {};
}

void StreamWorker::note_committed() {
  for (auto [partition, span] : outcomes_.input) states_[partition]->committed = span.second;
  note_visible();
}

void StreamWorker::note_visible() {
  EventTime now = ports_.clock.now();
  if (ports_.on_visible)
    for (EventTime time : outcome_times_) ports_.on_visible(now - time);
  outcome_times_.clear();
  outcomes_.clear();
  figures_.batches.fetch_add(1, std::memory_order_relaxed);
  int64_t lag = 0;
  for (const auto& [partition, state] : states_)
    lag += std::max<int64_t>(consumer_->seen_end(partition) - state->next, 0);
  figures_.lag = lag;
}

void StreamWorker::drop_outcomes() {
  outcomes_.clear();
  outcome_times_.clear();
}

void StreamWorker::note_fence() {
  auto now = Steady::now();
  fences_.push_back(now);
  while (now - fences_.front() > kFencesWithin) fences_.pop_front();
  if (fences_.size() < kFencesMax || stopping()) return;
  stopping_ = true;
  if (on_failure_)
    on_failure_({"another instance has the same name '" + options_.instance + "'", "kafka.instance",
                 "give each instance a name of its own"});
}

// Serves the group meanwhile: a rebalance must not wait.
void StreamWorker::back_off() {
  auto begun = Steady::now();
  while (!stopping() && ms_since(begun) < backoff_.ms()) {
    if (gathered_.size() >= options_.batch_max)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    else if (auto record = consumer_->poll(milliseconds(10)))
      gathered_.push_back(std::move(*record));
    consumer_->problem();
  }
  backoff_ = std::min(backoff_ + backoff_, options_.backoff_max);
}

void StreamWorker::complain(std::string_view event, const Error& error) {
  ports_.log.write(LogLevel::error, event, {{"stage", options_.name}, {"error", error.line()}});
}

}  // namespace paywarden
