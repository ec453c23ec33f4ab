// Batches of the log into alerts, recent payments and outbox rows.
#include "notify/alerting.h"

#include <algorithm>
#include <unordered_set>

#include "base/check.h"
#include "base/digest.h"
#include "notify/alert_writer.h"
#include "notify/database.h"
#include "notify/message.h"
#include "notify/recent_writer.h"
#include "payment/records.h"

namespace paywarden {
namespace {

using soci::into;
using soci::use;

constexpr const char* kConsumer = "alerting";
constexpr uint8_t kObserved = 4;  // DecisionHead::flags
constexpr int kNotDecided = -1;

struct Cursor {
  long long applied_to = 0, resume_from = 0;
};

Cursor read_cursor(soci::session& sql) {
  Cursor cursor;
  std::string consumer = kConsumer;
  sql << "SELECT applied_to, resume_from FROM log_cursor WHERE consumer = :c", use(consumer),
      into(cursor.applied_to), into(cursor.resume_from);
  return cursor;
}

void write_cursor(soci::session& sql, uint64_t applied_to, uint64_t resume_from) {
  auto applied = static_cast<long long>(applied_to), resume = static_cast<long long>(resume_from);
  std::string consumer = kConsumer;
  sql << "INSERT INTO log_cursor (consumer, applied_to, resume_from) VALUES (:c, :a, :r) ON "
         "CONFLICT (consumer) "
         "DO UPDATE SET applied_to = excluded.applied_to, resume_from = excluded.resume_from",
      use(consumer), use(applied), use(resume);
}

}  // namespace

// One call of apply(): what it read, and what it will have settled once its transaction is durable.
struct Alerting::Batch {
  std::span<const RecordView> records;
  std::vector<bool> waits;  // by place in `records`: a payment without its decision so far
  std::vector<uint64_t> decided_earlier;  // payments of undecided_ whose decisions are here

  uint64_t end() const { return records.back().sequence + 1; }
  // Sequences ascend, though not always by one (a topic's offsets have holes).
  std::optional<size_t> place_of(uint64_t sequence) const {
    auto at = std::lower_bound(
        records.begin(), records.end(), sequence,
        [](const RecordView& record, uint64_t wanted) { return record.sequence < wanted; });
    if (at == records.end() || at->sequence != sequence) return std::nullopt;
    return static_cast<size_t>(at - records.begin());
  }
};

Alerting::Alerting(Store& store, const FieldTable& fields, AlertingOptions options,
                   AlertingPorts ports)
    : store_(store),
      fields_(fields),
      options_(std::move(options)),
      ports_(std::move(ports)),
      recent_(std::make_unique<RecentWriter>(store.options())) {}
Alerting::~Alerting() = default;

Result<uint64_t> Alerting::start() {
  TRY_ASSIGN(auto instance, store_.setting("instance"));
  if (!instance) {
    instance = to_hex(random_bytes(16));
    TRY(store_.set_setting("instance", *instance));
  }
  instance_ = *instance;
  Cursor cursor;
  TRY(store_.database().read([&](soci::session& sql) -> Status {
    cursor = read_cursor(sql);
    recent_->load(sql);
    return {};
  }));
  undecided_.clear();
  applied_to_ = static_cast<uint64_t>(cursor.applied_to);
  return static_cast<uint64_t>(cursor.resume_from);
}

Status Alerting::apply(std::span<const RecordView> records) {
  if (records.empty()) return {};
  CHECK(!instance_.empty(), "start() comes before apply()");
  Batch batch{records, std::vector<bool>(records.size()), {}};
  auto changed = write(batch);
  recent_->settle(changed.has_value());
  if (!changed) return tl::unexpected(changed.error());
  applied_to_ = std::max(applied_to_, batch.end());
  keep_undecided(batch);
  if (!changed->empty() && ports_.on_change) ports_.on_change(*changed);
  return {};
}

Result<std::vector<int64_t>> Alerting::write(Batch& batch) {
  std::vector<int64_t> changed;
  TRY(store_.database().write([&](soci::session& sql) -> Status {
    AlertWriter alerts(sql, options_, instance_);
    for (size_t place = 0; place < batch.records.size(); ++place)
      apply_record(batch, alerts, place);
    recent_->flush(sql);
    alerts.flush(ports_.clock.now());
    write_cursor(sql, std::max(applied_to_, batch.end()), resume_from(batch));
    changed = alerts.changed();
    return {};
  }));
  return changed;
}

Status Alerting::notice(const SystemEvent& event) {
  CHECK(!instance_.empty(), "start() comes before notice()");
  std::vector<int64_t> changed;
  TRY(store_.database().write([&](soci::session& sql) -> Status {
    AlertWriter alerts(sql, options_, instance_);
    alerts.happened(event);
    alerts.flush(ports_.clock.now());
    changed = alerts.changed();
    return {};
  }));
  if (ports_.on_change) ports_.on_change(changed);
  return {};
}

void Alerting::apply_record(Batch& batch, AlertWriter& alerts, size_t place) {
  const RecordView& record = batch.records[place];
  bool is_new = record.sequence >= applied_to_;
  switch (record.kind) {
    case RecordKind::payment:
      return take_payment(batch, place);
    case RecordKind::decision:
      return take_decision(batch, alerts, record);
    case RecordKind::change:
      if (!is_new || !ports_.event_of_change) return;
      if (auto event = ports_.event_of_change(record.bytes)) alerts.happened(*event);
      return;
    case RecordKind::label:
    case RecordKind::answered:
      return;
  }
}

void Alerting::take_payment(Batch& batch, size_t place) {
  const RecordView& record = batch.records[place];
  if (!decode_payment(record.bytes, fields_, payment_))
    return complain("payment_unreadable", record.sequence);
  batch.waits[place] = !payment_.backfilled;
  if (payment_.backfilled && record.sequence >= applied_to_)
    recent_->add(record.sequence, payment_, kNotDecided, 0);
}

void Alerting::take_decision(Batch& batch, AlertWriter& alerts, const RecordView& record) {
  DecisionHead head;
  std::string_view json;
  if (!decode_decision(record.bytes, head, json))
    return complain("decision_unreadable", record.sequence);
  std::string_view bytes = payment_bytes(batch, head.payment_sequence);
  settle(batch, head.payment_sequence);
  if (record.sequence < applied_to_) return;
  if (bytes.empty() || !decode_payment(bytes, fields_, payment_))
    return complain("decision_without_payment", record.sequence);
  bool observed = head.flags & kObserved;
  Outcome outcome = observed ? outcome_meant(json, head.outcome) : head.outcome;
  recent_->add(head.payment_sequence, payment_, severity_of(outcome), head.score);
  if (outcome == Outcome::approve) return;
  alerts.suspicious(
      {head.payment_sequence, payment_, fields_, outcome, observed, head.score, json});
}

void Alerting::settle(Batch& batch, uint64_t sequence) const {
  if (auto place = batch.place_of(sequence))
    batch.waits[*place] = false;
  else if (undecided_.count(sequence))
    batch.decided_earlier.push_back(sequence);
}

std::string_view Alerting::payment_bytes(const Batch& batch, uint64_t sequence) const {
  auto place = batch.place_of(sequence);
  if (place)
    return batch.records[*place].kind == RecordKind::payment ? batch.records[*place].bytes
                                                             : std::string_view();
  auto earlier = undecided_.find(sequence);
  return earlier == undecided_.end() ? std::string_view() : earlier->second;
}

// The oldest payment that will still wait for its decision after `batch`; the end where none does.
uint64_t Alerting::resume_from(const Batch& batch) const {
  std::unordered_set<uint64_t> decided(batch.decided_earlier.begin(), batch.decided_earlier.end());
  for (const auto& [sequence, bytes] : undecided_)
    if (!decided.count(sequence)) return sequence;
  for (size_t place = 0; place < batch.records.size(); ++place)
    if (batch.waits[place]) return batch.records[place].sequence;
  return std::max(applied_to_, batch.end());
}

void Alerting::keep_undecided(const Batch& batch) {
  for (uint64_t sequence : batch.decided_earlier) undecided_.erase(sequence);
  for (size_t place = 0; place < batch.records.size(); ++place)
    if (batch.waits[place])
      undecided_.emplace(batch.records[place].sequence, batch.records[place].bytes);
  while (undecided_.size() > options_.undecided_max) {
    complain("payment_never_decided", undecided_.begin()->first);
    undecided_.erase(undecided_.begin());
  }
}

void Alerting::complain(std::string_view event, uint64_t sequence) {
  ports_.log.write(LogLevel::error, event, {{"sequence", std::to_string(sequence)}});
}

}  // namespace paywarden
