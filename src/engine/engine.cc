// Engine: the owner thread, which turns works into groups of records.
#include "engine/engine.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace paywarden {
namespace {
constexpr std::chrono::milliseconds kSlowLabelsATurn{1};
}  // namespace

Engine::Engine(Log& log, Snapshots& snapshots, Core::ModelFinder models, EngineOptions options,
               OperatorLog& operator_log)
    : log_(log),
      snapshots_(snapshots),
      models_(std::move(models)),
      options_(options),
      operator_log_(operator_log),
      queue_(options.queue_max),
      groups_(options.groups_in_flight),
      spare_groups_(options.groups_in_flight + 1),
      group_(std::make_unique<OutgoingGroup>()),
      decisions_(options.batch_max),
      items_(options.batch_max) {}

Engine::~Engine() {
  stop();
}

void Engine::start() {
  publish_figures();
  owner_ = std::thread([this] { own(); });
  keeper_ = std::thread([this] { keep(); });
}

void Engine::stop() {
  queue_.close();
  if (owner_.joinable()) owner_.join();
  groups_.close();
  if (!keeper_.joinable()) return;
  keeper_.join();
  if (failed_) snapshot_child_.kill();
  reap_snapshot(true);
  if (!failed_) write_snapshot();
}

bool Engine::submit(Work&& work) {
  work.arrived = std::chrono::steady_clock::now();
  return !failed_ && queue_.try_push(std::move(work));
}
bool Engine::submit_waiting(Work&& work) {
  work.arrived = std::chrono::steady_clock::now();
  return !failed_ && queue_.push(std::move(work));
}

std::string Engine::model_name() const {
  std::lock_guard lock(shared_);
  return model_name_;
}

Duration Engine::state_reach() const {
  return std::max(core_->windows().retention() + core_->features().options().label_delay,
                  core_->idempotency_horizon() + core_->idempotency_horizon());
}

void Engine::own() {
  std::vector<Work> batch;
  auto wait = [this] { return std::chrono::milliseconds(slow_labels_.empty() ? 100 : 0); };
  while (queue_.pop_all_for(batch, options_.batch_max, wait())) {
    look_ahead(batch);
    for (Work& work : batch) take(work);
    decide_admitted();
    take_slow_labels(kSlowLabelsATurn);
    note_default_answers();
    hand_over();
    batch.clear();
    publish_figures();
    maybe_snapshot();
  }
  take_slow_labels(std::chrono::hours(1));
  note_default_answers();
  hand_over();
}

void Engine::look_ahead(std::span<Work> batch) {
  for (Work& work : batch) {
    if (work.kind != Work::Kind::payment) continue;
    work.identity = identity_of(work.payment, core_->fields());
    core_->prefetch(work.identity);
  }
}

void Engine::take(Work& work) {
  switch (work.kind) {
    case Work::Kind::payment:
      return take_payment(work);
    case Work::Kind::label:
      decide_admitted();
      if (!put_off(work)) take_label(work);
      return;
    case Work::Kind::change:
      decide_admitted();
      return take_change(work);
  }
}

void Engine::take_payment(Work& work) {
  const Payment& payment = work.payment;
  if (!core_->has_rate(payment.currency)) {
    add_reply(work, Answer::Kind::refused, 0);
    group_->replies.back().error = {
        "there is no exchange rate for " + std::string(payment.currency.code()), "currency",
        "add it to [currency] rates"};
    return;
  }
  uint64_t earlier = 0;
  switch (core_->admit(payment, work.identity, next_sequence_, earlier)) {
    case Sighting::fresh:
      admitted_.push_back(&work);
      next_sequence_ += payment.backfilled ? 1 : 2;
      return;
    case Sighting::repeat:
      figures_.repeats.fetch_add(1, std::memory_order_relaxed);
      return add_reply(work, Answer::Kind::repeated, earlier);
    case Sighting::conflict:
      figures_.conflicts.fetch_add(1, std::memory_order_relaxed);
      return add_reply(work, Answer::Kind::conflict, earlier);
  }
}

void Engine::add_reply(Work& work, Answer::Kind kind, uint64_t sequence) {
  PendingReply pending{std::move(work.reply), kind, sequence, 0, 0, {}, {}, work.arrived};
  if (work.kind == Work::Kind::payment) pending.payment_id.assign(work.payment.id());
  group_->replies.push_back(std::move(pending));
}

// What was admitted since the last call: features, scores, decisions, records, in order.
void Engine::decide_admitted() {
  uint64_t first = next_sequence_;
  for (const Work* work : admitted_) first -= work->payment.backfilled ? 1 : 2;
  uint64_t sequence = first;
  for (size_t done = 0; done < admitted_.size();) {
    size_t count = std::min(admitted_.size() - done, kMicroBatchMax);
    for (size_t i = 0; i < count; ++i) {
      Payment& payment = admitted_[done + i]->payment;
      decisions_[i].reset();
      items_[i] = {&payment, payment.backfilled ? nullptr : &decisions_[i], GuardEvent::none};
    }
    core_->decide({items_.data(), count});
    for (size_t i = 0; i < count; ++i) {
      encode_decided(i, done + i, sequence);
      sequence += items_[i].decision ? 2 : 1;
    }
    if (drift_) count_drift(count, sequence);
    done += count;
  }
  CHECK(sequence == next_sequence_, "records and sequences fell apart");
  snapshot_payments_ += admitted_.size();
  admitted_.clear();
  for (; guards_to_note_ > 0; --guards_to_note_) note_guard();
}

void Engine::encode_decided(size_t i, size_t admitted, uint64_t sequence) {
  Work& work = *admitted_[admitted];
  size_t from = group_->bytes.size();
  encode_payment(work.payment, core_->fields(), group_->bytes);
  add_record(RecordKind::payment, hash64(work.payment.id()), from);
  if (!items_[i].decision) {
    figures_.recorded.fetch_add(1, std::memory_order_relaxed);
    return add_reply(work, Answer::Kind::recorded, sequence);
  }
  const Decision& decision = *items_[i].decision;
  from = group_->bytes.size();
  encode_decision(decision, sequence, group_->bytes);
  add_record(RecordKind::decision, 0, from);
  add_reply(work, Answer::Kind::decided, sequence);
  PendingReply& pending = group_->replies.back();
  pending.json_offset = from + kDecisionHeadBytes;
  pending.json_length = group_->bytes.size() - pending.json_offset;
  count(decision);
  if (items_[i].guard == GuardEvent::engaged) ++guards_to_note_;
}

void Engine::count(const Decision& decision) {
  auto relaxed = std::memory_order_relaxed;
  figures_.payments.fetch_add(1, relaxed);
  figures_.outcomes[static_cast<size_t>(decision.outcome)].fetch_add(1, relaxed);
  auto bin = static_cast<size_t>(std::clamp(decision.score * 50.0f, 0.0f, 49.0f));
  figures_.scores[bin].fetch_add(1, relaxed);
  figures_.shadow.add(decision);
  if (decision.late) figures_.late.fetch_add(1, relaxed);
}

void Engine::add_record(RecordKind kind, uint64_t lookup_key, size_t from) {
  group_->records.push_back({kind, from, group_->bytes.size() - from, lookup_key});
}

// False when the time is up or the log has failed.
bool Engine::wait_durable(uint64_t sequence, Duration most) const {
  for (int64_t waited = 0; waited < most.ms() && !failed_; waited += 100)
    if (log_.wait_for(sequence, milliseconds(100))) return true;
  return false;
}

Result<Engine::FoundPayment> Engine::find_payment(const std::string& payment_id) {
  if (auto sequence = core_->sequence_of(payment_id)) {
    hand_over();  // it may stand in this very group
    if (!wait_durable(*sequence, seconds(30))) return fail("the log does not come forward");
    TRY_ASSIGN(Record record, log_.record(*sequence));
    return FoundPayment{*sequence, std::move(record.bytes)};
  }
  TRY_ASSIGN(auto found, log_.find(hash64(payment_id)));
  Payment payment;
  for (uint64_t sequence : found) {
    TRY_ASSIGN(Record record, log_.record(sequence));
    if (record.kind == RecordKind::payment &&
        decode_payment(record.bytes, core_->fields(), payment) && payment.id() == payment_id)
      return FoundPayment{sequence, std::move(record.bytes)};
  }
  return FoundPayment();
}

// Looking a payment up in the log reads the disk, some 0.3 ms in a long log: payments do not wait behind a
// file full of such labels. Labels keep their order among each other.
bool Engine::put_off(Work& work) {
  if (!work.may_wait) return false;
  if (slow_labels_.empty() && core_->sequence_of(work.label.payment_id)) return false;
  slow_labels_.push_back(std::move(work));
  labels_put_off_ = slow_labels_.size();
  return true;
}

void Engine::take_slow_labels(std::chrono::steady_clock::duration most) {
  auto end = std::chrono::steady_clock::now() + most;
  while (!slow_labels_.empty()) {
    take_label(slow_labels_.front());
    slow_labels_.pop_front();
    labels_put_off_ = slow_labels_.size();
    if (std::chrono::steady_clock::now() >= end) return;
  }
}

void Engine::take_label(Work& work) {
  auto found = find_payment(work.label.payment_id);
  if (!found) {
    add_reply(work, Answer::Kind::refused, 0);
    group_->replies.back().error = found.error();
    return;
  }
  LabelRecord record{work.label, std::move(found->bytes)};
  Payment payment;
  bool known = !record.payment.empty() && decode_payment(record.payment, core_->fields(), payment);
  size_t from = group_->bytes.size();
  encode_label(record, group_->bytes);
  add_record(RecordKind::label, 0, from);
  LabelChange change;
  LabelFate fate = core_->label(work.label, known ? &payment : nullptr, &change);
  if (drift_ && change.frauds) count_label(payment, found->sequence, change.frauds);
  add_reply(work,
            fate == LabelFate::applied ? Answer::Kind::label_applied : Answer::Kind::label_waiting,
            next_sequence_++);
  (fate == LabelFate::applied ? figures_.labels : figures_.labels_waiting)
      .fetch_add(1, std::memory_order_relaxed);
}

Result<std::shared_ptr<const Model>> Engine::model_of(const Change& change) const {
  if (change.kind != ChangeKind::model) return std::shared_ptr<const Model>();
  return models_(change.content);
}

void Engine::take_change(Work& work) {
  Status valid = core_->validate(work.change);
  auto model = valid ? model_of(work.change)
                     : Result<std::shared_ptr<const Model>>(tl::unexpected(valid.error()));
  Status applied =
      model ? core_->apply(work.change, *model) : Status(tl::unexpected(model.error()));
  if (!applied) {
    add_reply(work, Answer::Kind::refused, 0);
    group_->replies.back().error = applied.error();
    return;
  }
  size_t from = group_->bytes.size();
  encode_change(work.change, group_->bytes);
  add_record(RecordKind::change, 0, from);
  add_reply(work, Answer::Kind::changed, next_sequence_++);
  if (work.change.kind == ChangeKind::model) tell_model();
  figures_.changes.fetch_add(1, std::memory_order_relaxed);
}

// The guard is part of the state and engages by itself; the note in the log tells people.
void Engine::note_guard() {
  const DeclineGuard& guard = core_->policy().guard();
  Change note{ChangeKind::guard_engaged,
              {},
              {},
              "paywarden",
              std::to_string(guard.declines()) + " of the last " + std::to_string(guard.seen()) +
                  " payments would have been declined by the model",
              core_->watermark()};
  size_t from = group_->bytes.size();
  encode_change(note, group_->bytes);
  add_record(RecordKind::change, 0, from);
  ++next_sequence_;
  operator_log_.write(LogLevel::warning, "decline_guard_engaged", {{"reason", note.reason}});
}

void Engine::note_default_answers() {
  std::vector<std::string> ids;
  {
    std::lock_guard lock(shared_);
    ids.swap(defaults_);
  }
  for (const std::string& id : ids) {
    size_t from = group_->bytes.size();
    ByteWriter writer(group_->bytes);
    writer.u8(1);  // format
    writer.text(id);
    add_record(RecordKind::answered, 0, from);
    ++next_sequence_;
  }
}

void Engine::hand_over() {
  if (group_->records.empty() && group_->replies.empty()) return;
  group_->first_sequence = next_sequence_ - group_->records.size();
  if (!groups_.push(std::move(group_))) CHECK(false, "the log thread ended before the owner");
  std::vector<std::unique_ptr<OutgoingGroup>> spare;
  spare_groups_.pop_all_for(spare, 1, std::chrono::milliseconds(0));
  group_ = spare.empty() ? std::make_unique<OutgoingGroup>() : std::move(spare.front());
}

void Engine::publish_figures() {
  auto relaxed = std::memory_order_relaxed;
  figures_.watermark_ms.store(core_->watermark().ms(), relaxed);
  figures_.state_bytes.store(core_->windows().bytes() + core_->seen().bytes(), relaxed);
  figures_.state_keys.store(core_->windows().keys(), relaxed);
  figures_.waiting_labels.store(core_->labels().waiting(), relaxed);
  figures_.guard_engaged.store(core_->policy().guard().engaged(), relaxed);
  mode_.store(core_->policy().mode(), relaxed);
  std::lock_guard lock(shared_);
  model_name_ = core_->model() ? core_->model()->name() : "none";
}

void Engine::maybe_snapshot() {
  reap_snapshot(false);
  if (snapshot_payments_ < options_.snapshot_every || snapshot_child_.running()) return;
  snapshot_payments_ = 0;
  // What a snapshot shows must be durable: else a lost group would live on in it.
  if (next_sequence_ > 1 && !wait_durable(next_sequence_ - 1, seconds(60))) return;
  if (!options_.snapshot_in_child || !snapshot_child_.start(snapshots_, *core_, next_sequence_))
    write_snapshot();
}

void Engine::reap_snapshot(bool wait) {
  auto done = snapshot_child_.reap(wait);
  if (!done) return;
  (*done ? figures_.snapshots : figures_.snapshots_failed).fetch_add(1, std::memory_order_relaxed);
  if (!*done)
    operator_log_.write(LogLevel::error, "snapshot_failed",
                        {{"how", "the writing process ended with an error"}});
  if (auto pruned = snapshots_.prune(options_.snapshots_kept); !pruned)
    operator_log_.write(LogLevel::warning, "snapshot_not_removed",
                        {{"error", pruned.error().line()}});
}

void Engine::write_snapshot() {
  Status written = snapshots_.write(*core_, next_sequence_);
  if (written) written = snapshots_.prune(options_.snapshots_kept);
  (written ? figures_.snapshots : figures_.snapshots_failed)
      .fetch_add(1, std::memory_order_relaxed);
  if (!written)
    operator_log_.write(LogLevel::error, "snapshot_failed", {{"error", written.error().line()}});
}

}  // namespace paywarden
