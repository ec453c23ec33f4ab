// Batches of the log into alerts, recent payments and outbox rows.
#include "notify/alerting.h"

#include <algorithm>
#include <unordered_set>

#include "base/check.h"
#include "base/digest.h"
#include "notify/alert_writer.h"
#include "notify/database.h"
#include "notify/message.h"
#include "payment/decision_json.h"
#include "payment/records.h"

namespace paywarden {
namespace {

using soci::into;
using soci::use;

constexpr const char* kConsumer = "alerting";

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
  std::vector<size_t> alerting;           // places of the records that change an alert

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
    : store_(store), fields_(fields), options_(std::move(options)), ports_(std::move(ports)) {}
Alerting::~Alerting() = default;

Result<uint64_t> Alerting::start(uint64_t log_end) {
  TRY_ASSIGN(auto instance, store_.setting("instance"));
  if (!instance) {
    instance = to_hex(random_bytes(16));
    TRY(store_.set_setting("instance", *instance));
  }
  instance_ = *instance;
  TRY(store_.open_recent());
  if (const std::string& why = store_.recent()->lost(); !why.empty())
    ports_.log.write(LogLevel::warning, "recent_payments_lost", {{"why", why}});
  Cursor cursor;
  TRY(store_.database().read([&](soci::session& sql) -> Status {
    cursor = read_cursor(sql);
    return {};
  }));
  undecided_.clear();
  applied_to_ = noted_to_ = static_cast<uint64_t>(cursor.applied_to);
  needed_from_ = static_cast<uint64_t>(cursor.resume_from);
  if (applied_to_ > log_end || store_.recent()->record_last() >= log_end) TRY(set_back(log_end));
  return std::min(needed_from(), recent_from());
}

// The numbers of the records that were cut are given again, to other payments.
Status Alerting::set_back(uint64_t log_end) {
  ports_.log.write(
      LogLevel::warning, "alerting_set_back",
      {{"from", std::to_string(std::max(applied_to_, store_.recent()->record_last() + 1))},
       {"to", std::to_string(log_end)}});
  TRY(store_.recent()->clear());
  uint64_t applied_to = std::min(applied_to_, log_end),
           needed_from = std::min(this->needed_from(), log_end);
  TRY(store_.database().write([&](soci::session& sql) -> Status {
    write_cursor(sql, applied_to, needed_from);
    return {};
  }));
  applied_to_ = noted_to_ = applied_to;
  needed_from_ = needed_from;
  return {};
}

// Recent payments are not synced: a power cut may have taken the last of them, or all.
uint64_t Alerting::recent_from() const {
  uint64_t most = options_.recent_rebuild_records_max;
  return std::max(applied_to_ > most ? applied_to_ - most : 0, store_.recent()->record_last() + 1);
}

Status Alerting::apply(std::span<const RecordView> records) {
  if (records.empty()) return {};
  CHECK(!instance_.empty(), "start() comes before apply()");
  Batch batch{records, std::vector<bool>(records.size()), {}, {}};
  read(batch);
  TRY(store_.recent()->flush());
  std::vector<int64_t> changed;
  if (is_due(batch)) {
    TRY_ASSIGN(changed, write(batch));
    noted_to_ = std::max(applied_to_, batch.end());
    needed_from_ = resume_from(batch);
  }
  applied_to_ = std::max(applied_to_, batch.end());
  keep_undecided(batch);
  if (!changed.empty() && ports_.on_change) ports_.on_change(changed);
  return {};
}

bool Alerting::is_due(const Batch& batch) const {
  return !batch.alerting.empty() || batch.end() >= noted_to_ + options_.cursor_records_max;
}

Result<std::vector<int64_t>> Alerting::write(Batch& batch) {
  std::vector<int64_t> changed;
  TRY(store_.database().write([&](soci::session& sql) -> Status {
    AlertWriter alerts(sql, options_, instance_);
    for (size_t place : batch.alerting) alert(batch, alerts, place);
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

// All that needs no transaction: recent payments, and which records change an alert.
void Alerting::read(Batch& batch) {
  for (size_t place = 0; place < batch.records.size(); ++place) {
    const RecordView& record = batch.records[place];
    switch (record.kind) {
      case RecordKind::payment:
        take_payment(batch, place);
        break;
      case RecordKind::decision:
        take_decision(batch, place);
        break;
      case RecordKind::change:
        if (record.sequence >= applied_to_ && ports_.event_of_change &&
            ports_.event_of_change(record.bytes))
          batch.alerting.push_back(place);
        break;
      case RecordKind::label:
      case RecordKind::answered:
      case RecordKind::place:
        break;
    }
  }
}

void Alerting::take_payment(Batch& batch, size_t place) {
  const RecordView& record = batch.records[place];
  if (!decode_payment(record.bytes, fields_, payment_))
    return complain("payment_unreadable", record.sequence);
  batch.waits[place] = !payment_.backfilled;
  if (payment_.backfilled) store_.recent()->add(record.sequence, payment_, std::nullopt, 0);
}

void Alerting::take_decision(Batch& batch, size_t place) {
  const RecordView& record = batch.records[place];
  DecisionHead head;
  std::string_view json;
  if (!decode_decision(record.bytes, head, json))
    return complain("decision_unreadable", record.sequence);
  std::string_view bytes = payment_bytes(batch, head.payment_sequence);
  settle(batch, head.payment_sequence);
  bool is_new = record.sequence >= applied_to_;
  if (bytes.empty() || !decode_payment(bytes, fields_, payment_))
    return is_new ? complain("decision_without_payment", record.sequence) : void();
  Outcome outcome = outcome_meant(head, json);
  store_.recent()->add(record.sequence, payment_, outcome, head.score);
  if (is_new && outcome != Outcome::approve) batch.alerting.push_back(place);
}

void Alerting::alert(const Batch& batch, AlertWriter& alerts, size_t place) {
  const RecordView& record = batch.records[place];
  if (record.kind == RecordKind::change)
    return alerts.happened(*ports_.event_of_change(record.bytes));
  DecisionHead head;
  std::string_view json;
  bool readable = decode_decision(record.bytes, head, json) &&
                  decode_payment(payment_bytes(batch, head.payment_sequence), fields_, payment_);
  CHECK(readable, "it was read before");
  alerts.suspicious({head.payment_sequence, payment_, fields_, outcome_meant(head, json),
                     (head.flags & DecisionHead::kObserved) != 0, head.score, json});
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
