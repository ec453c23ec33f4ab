// StreamWorker: gathering, deciding, publishing.
#include "stream/worker.h"

#include <fmt/format.h>

#include <algorithm>

namespace paywarden {
namespace {

using Steady = std::chrono::steady_clock;

constexpr Duration kIdlePoll =
    milliseconds(100);                // how long a stop waits at most where nothing comes
constexpr size_t kRecordsALook = 64;  // at the clock; some 20 us
// A transaction that timed out is fenced once; two instances of one name fence each other again and again.
constexpr size_t kFencesMax = 5;
constexpr std::chrono::minutes kFencesWithin{1};
constexpr Duration kShareBeforeLeaving = seconds(3);
constexpr Duration kRepliesRetention =
    hours(1);  // of the topic where it is made: nobody waits so long

int64_t ms_since(Steady::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - start).count();
}

std::string_view text_of(const fmt::format_int& number) {
  return {number.data(), number.size()};
}

}  // namespace

StreamWorker::StreamWorker(StreamPorts ports, StreamOptions options)
    : ports_(std::move(ports)),
      options_(std::move(options)),
      loader_({ports_.make_core, ports_.models, ports_.configure, ports_.files, ports_.log,
               ports_.shared.get()},
              {options_.snapshot_directory, options_.topics.input, options_.name}),
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
  if (options_.standby && stage_->has_state()) {
    standby_ = std::make_unique<Standby>(
        StandbyPorts{ports_.make_stage, loader_, ports_.log},
        StandbyOptions{options_.client, options_.group, options_.topics.input, options_.name});
    TRY(standby_->start());
  }
  begun_ = Steady::now();
  thread_ = std::thread([this] { run(); });
  return {};
}

Status StreamWorker::check_topics() {
  const StreamTopics& topics = options_.topics;
  std::vector<TopicWanted> wanted;
  wanted.push_back(
      {topics.input, options_.partitions, options_.retention, false, options_.input_is_others});
  for (const std::string& name : {topics.decisions, topics.rejects, topics.others, topics.alerts})
    wanted.push_back({name, options_.partitions, options_.retention});
  wanted.push_back({topics.replies, options_.partitions, kRepliesRetention});
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
  if (standby_) standby_->stop();
  reap_snapshot(true);
  snapshot_all();
  // Who takes the partitions over finds the snapshots, where the store is quick; one that is not holds nobody up.
  if (ports_.shared) ports_.shared->finish(kShareBeforeLeaving);
  consumer_->leave();
  ports_.shared.reset();
}

Status StreamWorker::turn() {
  TRY(make_producer());
  if (!to_restore_.empty()) TRY(restore());
  if (consumer_->position_absent()) TRY(read_again());
  gather();
  Status processed = process();
  TRY(settle());
  TRY(processed);
  maybe_snapshot();
  return {};
}

// From the first record on for `batch_every`, or until there are enough. What is there already is taken without waiting: the
// time is looked at now and then, and where nothing is there.
void StreamWorker::gather() {
  auto begun = Steady::now();
  while (gathered_.size() < options_.batch_max && to_restore_.empty() && !stopping()) {
    bool look = gathered_.size() % kRecordsALook == 0;
    if (look && !gathered_.empty() && ms_since(begun) >= options_.batch_every.ms()) return;
    auto record = consumer_->poll(Duration());
    auto problem = consumer_->problem();
    if (!record && !problem && to_restore_.empty()) {
      int64_t left = options_.batch_every.ms() - ms_since(begun);
      if (!gathered_.empty() && left <= 0) return;
      record = consumer_->poll(gathered_.empty() ? kIdlePoll : milliseconds(left));
      problem = consumer_->problem();
    }
    if (problem) return complain("kafka_read_failed", *problem);
    if (!record && gathered_.empty()) return;
    if (!record) continue;
    if (gathered_.empty()) begun = Steady::now();
    gathered_.push_back(std::move(*record));
  }
}

// What was gathered, a partition at a time; the records of each are in order. After an error the rest of its partition stays for the
// next turn, and the others go on; to read it again instead would stop and start fetching, and where a rebalance comes at that
// moment librdkafka ends the process (its issue 5573).
Status StreamWorker::process() {
  std::map<int32_t, std::pair<std::vector<InputRecord>, std::vector<InputRecord>>> parts;
  auto state = states_.end();  // the record's
  auto part = parts.end();
  for (const ConsumedRecord& record : gathered_) {
    if (state == states_.end() || state->first != record.partition()) {
      state = states_.find(record.partition());
      if (state != states_.end()) part = parts.try_emplace(record.partition()).first;
    }
    if (state == states_.end() || record.offset() < state->second->next) continue;
    bool live = record.offset() >= state->second->live_from;
    EventTime timestamp = record.timestamp();
    (live ? part->second.second : part->second.first)
        .push_back({record.offset(), timestamp, record.value()});
  }
  Status status;
  for (auto& [partition, records] : parts) {
    PartitionState& its = *states_[partition];
    Status done = stage_->process(its, records.first, nullptr);
    for (const InputRecord& record : records.first) its.restored_bytes += record.value.size();
    note_restored(its);
    if (done) done = stage_->process(its, records.second, &outcomes_);
    for (const InputRecord& record : records.second)
      if (record.offset < its.next) outcome_times_.push_back(record.timestamp);
    if (!done) status = std::move(done);
  }
  if (status)
    gathered_.clear();
  else
    drop_processed();
  return status;
}

void StreamWorker::drop_processed() {
  gathered_.erase(std::remove_if(gathered_.begin(), gathered_.end(),
                                 [this](const ConsumedRecord& record) {
                                   auto state = states_.find(record.partition());
                                   return state == states_.end() ||
                                          record.offset() < state->second->next;
                                 }),
                  gathered_.end());
}

// Until the outcomes are visible, or are no longer ours to publish. After a failed attempt nothing is sent before it is known
// what became of it: the same bytes once more would be a second outcome.
Status StreamWorker::settle() {
  bool unclear = false;
  while (!outcomes_.empty()) {
    Status done = unclear ? look_what_is_committed() : attempt();
    if (done) {
      if (!unclear) note_committed();
      if (!unclear) retire_spent_producer();
      unclear = false;
      continue;
    }
    if (unclear) {
      complain("committed_offsets_unknown", done.error());
    } else {
      figures_.commits_failed.fetch_add(1, std::memory_order_relaxed);
      complain("commit_failed", done.error());
    }
    give_producer_up();
    unclear = true;
    if (stopping()) return {};  // what is not visible is decided again after the next start
    back_off();
  }
  return {};
}

void StreamWorker::retire_spent_producer() {
  if (!producer_->spent()) return;
  producer_.reset();
  ports_.log.write(
      LogLevel::info, "producer_made_anew",
      {{"stage", options_.name},
       {"why", "a part of the last transaction was sent twice, and may still arrive"}});
}

// Also at the start: that ends what a former run of this instance left open, and what others would wait for.
Status StreamWorker::make_producer() {
  if (producer_) return {};
  auto made = TransactionalProducer::create(
      options_.client, options_.group + "-" + options_.name + "-" + options_.instance,
      options_.producer, ports_.log);
  if (!made && made.error().what == kBrokersTooOld) give_up(made.error());
  TRY_ASSIGN(producer_, std::move(made));
  Status aborted = to_abort_.empty() ? Status() : abort_again();
  if (aborted) return {};
  if (producer_->fenced()) note_fence();
  producer_.reset();
  return aborted;
}

// After a failed attempt.
void StreamWorker::give_producer_up() {
  if (!producer_) return;
  if (producer_->fenced()) note_fence();
  TransactionReached reached = producer_->give_up();
  producer_.reset();
  if (reached == TransactionReached::end) last_commit_.clear();
  if (reached == TransactionReached::records) to_abort_ = outcomes_;
}

// What brokers may have of a transaction that was not committed: its end may be forgotten like that of one that was (see committed()),
// and the next one's would then count for its records too.
Status StreamWorker::abort_again() {
  TRY(producer_->begin());
  TRY(produce(to_abort_));
  TRY(producer_->abort());
  to_abort_.clear();
  return {};
}

void StreamWorker::give_up(const Error& error) {
  stopping_ = true;
  if (on_failure_) on_failure_(error);
}

Status StreamWorker::attempt() {
  TRY(make_producer());
  TRY(producer_->begin());
  TRY(produce(outcomes_));
  Positions positions;
  for (auto [partition, span] : outcomes_.input) positions[partition] = span.second;
  return producer_->commit(options_.topics.input, positions, consumer_->metadata());
}

Status StreamWorker::produce(const Outcomes& outcomes) {
  std::string input;
  for (const Outcomes::Outcome& o : outcomes.all()) {
    input.clear();
    if (o.offset != kNoOutcome)
      input.append(options_.topics.input)
          .append(1, ':')
          .append(text_of(fmt::format_int(o.partition)))
          .append(1, ':')
          .append(text_of(fmt::format_int(o.offset)));
    RecordToProduce record{options_.topics.of(o.topic), outcomes.key(o), outcomes.value(o), input};
    (o.topic == OutcomeTopic::replies ? record.reply : record.payment) = outcomes.payment(o);
    record.partition = o.to;
    record.timestamp = o.timestamp;
    TRY(producer_->produce(record));
  }
  return {};
}

// After an attempt whose end is unknown. The producer is made anew first: that ends the former transaction one way or the
// other, so that what is read here stays so.
Status StreamWorker::look_what_is_committed() {
  TRY(make_producer());
  std::vector<int32_t> partitions;
  for (const auto& [partition, span] : outcomes_.input) partitions.push_back(partition);
  TRY_ASSIGN(auto committed, this->committed(partitions));
  size_t done = 0, undone = 0;
  for (auto [partition, span] : outcomes_.input) {
    auto found = committed.find(partition);
    int64_t now = found == committed.end() ? states_[partition]->committed : found->second;
    done += now == span.second;
    undone += now <= states_[partition]->committed;  // less: see restore()
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
  last_commit_.clear();
  for (auto [partition, span] : outcomes_.input)
    states_[partition]->committed = last_commit_[partition] = span.second;
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
  Error error{"another instance has the same name '" + options_.instance + "'", "kafka.instance",
              "give each instance a name of its own"};
  // Whoever is new here goes: this one, where it began as it was started.
  if (fences_.front() - begun_ < std::chrono::milliseconds(options_.newcomer_for.ms()))
    return give_up(error);
  fences_.clear();
  complain("name_taken", error);
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
