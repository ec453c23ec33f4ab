#include "stream/decisions_copy.h"

#include <algorithm>

#include "base/background.h"
#include "base/check.h"
#include "base/digest.h"

namespace paywarden {
namespace {

constexpr Duration kIdle = milliseconds(100);  // how long a stop waits at most where nothing comes
constexpr std::chrono::seconds kSayEvery{10};  // what is passed over
constexpr Duration kFetchWait = milliseconds(100);

std::chrono::milliseconds real(Duration span) {
  return std::chrono::milliseconds(span.ms());
}

Duration left(std::chrono::steady_clock::time_point end) {
  auto span =
      std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  return milliseconds(std::max<int64_t>(span.count(), 0));
}

std::string positions_text(const Positions& positions) {
  std::string out;
  for (auto [partition, next] : positions)
    out += (out.empty() ? "" : " ") + std::to_string(partition) + ":" + std::to_string(next);
  return out;
}

}  // namespace

DecisionsCopy::DecisionsCopy(DecisionsCopyPorts ports, DecisionsCopyOptions options)
    : ports_(std::move(ports)), options_(std::move(options)) {}

Result<std::unique_ptr<DecisionsCopy>> DecisionsCopy::create(DecisionsCopyPorts ports,
                                                             DecisionsCopyOptions options) {
  std::unique_ptr<DecisionsCopy> copy(new DecisionsCopy(std::move(ports), std::move(options)));
  TRY(copy->find_place());
  return copy;
}

// Groups are there whole or not at all, and each ends with its place.
Status DecisionsCopy::find_place() {
  uint64_t end = ports_.journal.durable_end();
  if (end == ports_.journal.first_sequence()) return {};
  TRY_ASSIGN(Record last, ports_.journal.record(end - 1));
  if (last.kind != RecordKind::place || !decode_place(last.bytes, place_))
    return fail("the journal is no copy of a decisions topic",
                "log record " + std::to_string(last.sequence),
                "give the notification center over Kafka a data.directory of its own");
  has_place_ = place_.topic == options_.topic;
  if (has_place_) return {};
  ports_.log.write(LogLevel::warning, "decisions_topic_changed",
                   {{"from", place_.topic}, {"to", options_.topic}});
  place_ = {};
  return {};
}

Status DecisionsCopy::start() {
  TRY(begin());
  thread_ = std::thread([this] { run(); });
  return {};
}

void DecisionsCopy::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

// Durable before anything is read: what is decided from here on is copied, whatever happens.
Status DecisionsCopy::begin() {
  if (has_place_) return {};
  TRY_ASSIGN(next_, first_positions(true));
  ports_.log.write(LogLevel::info, "decisions_copy_begins",
                   {{"topic", options_.topic}, {"at", positions_text(next_)}});
  place_.topic = options_.topic;
  group_.begin(ports_.journal.durable_end());
  TRY(append());
  has_place_ = true;
  return {};
}

void DecisionsCopy::run() {
  work_in_background();
  Duration backoff = options_.backoff_min;
  while (!stopping_) {
    if (ports_.paused) {
      pause(kIdle);
      continue;
    }
    auto done = step();
    if (!done && !ports_.journal.usable()) return ports_.on_failure(done.error());
    if (done) {
      backoff = options_.backoff_min;
      continue;
    }
    ports_.log.write(LogLevel::error, "decisions_copy_failed", {{"error", done.error().line()}});
    pause(backoff);
    backoff = std::min(backoff + backoff, options_.backoff_max);
  }
}

// stop() is seen within 50 ms.
void DecisionsCopy::pause(Duration most) const {
  auto end = Steady::now() + real(most);
  while (!stopping_ && left(end) > Duration())
    std::this_thread::sleep_for(std::min(real(left(end)), std::chrono::milliseconds(50)));
}

Result<size_t> DecisionsCopy::step() {
  CHECK(has_place_, "begin() comes before step()");
  if (!reading_) TRY(read_on());
  if (reader_->position_absent()) TRY(find_lost_positions());
  group_.begin(ports_.journal.durable_end());
  Status read = gather();
  note_ends();
  auto kept = keep();  // what was gathered before an error, too
  if (!read || !kept) reading_ = false;
  TRY(read);
  return kept;
}

// From the journal's place on.
Status DecisionsCopy::read_on() {
  TRY_ASSIGN(next_, first_positions(false));
  TRY(reader_->read_from(options_.topic, next_));
  live_.clear();
  reading_ = true;
  return {};
}

// Of each partition that there is: the place; else its beginning, since it was made after the place was, or its end.
Result<Positions> DecisionsCopy::first_positions(bool at_end) {
  if (!reader_) {
    TRY_ASSIGN(reader_, KafkaReader::create(options_.client, options_.name, ports_.log,
                                            {.fetch_wait = kFetchWait, .tell_ends = true}));
  }
  TRY_ASSIGN(int32_t partitions, reader_->partitions(options_.topic, options_.call_timeout));
  Positions out;
  for (int32_t p = 0; p < partitions; ++p) {
    auto known = place_.next.find(p);
    if (known != place_.next.end()) {
      out[p] = known->second;
      continue;
    }
    TRY_ASSIGN(auto range, reader_->range(options_.topic, p, options_.call_timeout));
    out[p] = at_end ? range.second : range.first;
  }
  return out;
}

// The brokers say that a place is not there: the topic has forgotten it, or is another one than it was.
Status DecisionsCopy::find_lost_positions() {
  bool lost = false;
  for (auto& [partition, next] : next_) {
    TRY_ASSIGN(auto range, reader_->range(options_.topic, partition, options_.call_timeout));
    if (next >= range.first && next <= range.second) continue;
    say_lost(partition, next, range);
    next = range.first;
    lost = true;
  }
  reading_ = false;
  if (!lost)
    return fail("a place in '" + options_.topic + "' is not there, though the brokers say it is",
                "Kafka", "nothing to do, unless it lasts: it is tried again");
  TRY(reader_->read_from(options_.topic, next_));
  live_.clear();
  reading_ = true;
  return {};
}

void DecisionsCopy::say_lost(int32_t partition, int64_t next, std::pair<int64_t, int64_t> range) {
  if (next < range.first)
    return ports_.log.write(
        LogLevel::error, "decisions_forgotten",
        {{"topic", options_.topic},
         {"partition", std::to_string(partition)},
         {"from", std::to_string(next)},
         {"to", std::to_string(range.first)},
         {"remedy",
          "there are no alerts of these decisions: raise the topic's retention.ms, and find out "
          "why this instance was away for so long"}});
  ports_.log.write(LogLevel::error, "decisions_topic_is_another",
                   {{"topic", options_.topic},
                    {"partition", std::to_string(partition)},
                    {"place", std::to_string(next)},
                    {"topic_ends_at", std::to_string(range.second)},
                    {"remedy",
                     "it was deleted and made anew, or lost records; what is there now is copied "
                     "from its beginning"}});
}

// From the first record on for a moment, or until there is enough.
Status DecisionsCopy::gather() {
  Steady::time_point end{};
  bool begun = false;
  for (size_t taken = 0; taken < options_.pairs_max && group_.bytes() < options_.group_bytes_max;) {
    if (stopping_ || reader_->position_absent()) return {};
    TRY_ASSIGN(auto record, reader_->next(Duration()));
    if (!record) {
      if (begun && left(end) == Duration()) return {};
      TRY_ASSIGN(record, reader_->next(begun ? left(end) : kIdle));
      if (!record && !begun) return {};
    }
    if (!record) continue;
    if (!begun) end = Steady::now() + real(options_.gather);
    begun = true;
    ++taken;
    take(*record);
  }
  return {};
}

void DecisionsCopy::take(const ConsumedRecord& record) {
  auto next = next_.find(record.partition());
  if (next == next_.end() || record.offset() < next->second) return;
  next->second = record.offset() + 1;
  if (const char* why = add(record)) pass_over(record, why);
}

// Why it is passed over; null: it is in the group.
const char* DecisionsCopy::add(const ConsumedRecord& record) {
  std::string_view header = record.header("payment"), json = record.value(), id;
  if (header.empty()) return "it has no payment beside it";
  if (header.size() + json.size() > options_.pair_bytes_max) return "it is too large";
  payment_bytes_.clear();
  if (!base64_decode(header, payment_bytes_) ||
      !decode_payment(payment_bytes_, ports_.fields, payment_))
    return "the payment beside it cannot be read";
  DecisionHead head;
  if (!json_.read(json, head, id)) return "it is no decision";
  if (id != payment_.id()) return "the payment beside it is another one";
  group_.add(id, payment_bytes_, head, json);
  if (live_.count(record.partition()) && ports_.on_visible)
    ports_.on_visible(ports_.clock.now() - payment_.receipt_time);
  return nullptr;
}

void DecisionsCopy::pass_over(const ConsumedRecord& record, const char* why) {
  uint64_t before = figures_.passed_over.fetch_add(1, std::memory_order_relaxed);
  if (before > 0 && Steady::now() - said_at_ < kSayEvery) return;
  said_at_ = Steady::now();
  ports_.log.write(LogLevel::error, "decision_passed_over",
                   {{"topic", options_.topic},
                    {"partition", std::to_string(record.partition())},
                    {"offset", std::to_string(record.offset())},
                    {"why", why},
                    {"passed_over", std::to_string(before + 1)},
                    {"remedy", "let nothing but Paywarden write to this topic"}});
}

// What stands behind the last record of a partition is a transaction's end. Passing over it too keeps a place that has waited for
// long from looking forgotten once that end is gone.
void DecisionsCopy::note_ends() {
  const Positions& ends = reader_->ends();
  uint64_t lag = 0;
  for (auto& [partition, next] : next_) {
    auto end = ends.find(partition);
    if (end == ends.end()) {
      int64_t seen = reader_->seen_end(options_.topic, partition);
      if (seen > next) lag += static_cast<uint64_t>(seen - next);
      continue;
    }
    next = std::max(next, end->second);
    live_.insert(partition);
  }
  figures_.lag = lag;
}

bool DecisionsCopy::may_wait() const {
  return group_.heads().empty() && Steady::now() - kept_at_ < real(options_.settle);
}

Result<size_t> DecisionsCopy::keep() {
  bool moved = std::any_of(next_.begin(), next_.end(), [this](const auto& entry) {
    auto known = place_.next.find(entry.first);
    return known == place_.next.end() || known->second != entry.second;
  });
  if (!moved || may_wait()) return size_t{0};
  TRY(append());
  count();
  return group_.heads().size();
}

// The group with the place behind it.
Status DecisionsCopy::append() {
  TopicPlace place = place_;
  place.written = ports_.clock.now();
  for (auto [partition, next] : next_) place.next[partition] = next;
  uint64_t expected = ports_.journal.durable_end();
  TRY_ASSIGN(uint64_t first, ports_.journal.append(group_.records(place)));
  CHECK(first == expected, "somebody else writes to this journal");
  place_ = std::move(place);
  kept_at_ = Steady::now();
  return {};
}

void DecisionsCopy::count() {
  auto relaxed = std::memory_order_relaxed;
  for (const DecisionHead& head : group_.heads()) {
    figures_.outcomes[static_cast<size_t>(head.outcome)].fetch_add(1, relaxed);
    auto bin = static_cast<size_t>(std::clamp(head.score * 50.0f, 0.0f, 49.0f));
    figures_.scores[bin].fetch_add(1, relaxed);
    if (head.flags & DecisionHead::kGuarded) figures_.guarded.fetch_add(1, relaxed);
  }
  figures_.decided.fetch_add(group_.heads().size(), relaxed);
}

Status DecisionsCopy::drop_older(EventTime than, uint64_t keep) {
  old_until_ = std::max(old_until_, ports_.journal.first_sequence());
  TopicPlace place;
  if (old_until_ < keep)
    TRY(ports_.journal.read(old_until_, [&](const RecordView& record) {
      if (record.kind != RecordKind::place) return record.sequence < keep;
      bool old = decode_place(record.bytes, place) && place.written < than;
      if (old) old_until_ = record.sequence + 1;
      return old && old_until_ < keep;
    }));
  TRY(ports_.journal.drop_before(std::min(old_until_, keep)));
  return {};
}

}  // namespace paywarden
