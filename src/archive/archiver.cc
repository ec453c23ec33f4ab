#include "archive/archiver.h"

#include <algorithm>

#include "archive/archive_line.h"
#include "base/background.h"
#include "base/check.h"
#include "base/digest.h"

namespace paywarden {

Archiver::Archiver(ArchivePorts ports, ArchiverOptions options)
    : ports_(std::move(ports)),
      options_(std::move(options)),
      random_(static_cast<uint64_t>(ports_.clock.now().ms())) {}

Status Archiver::start(uint64_t log_end) {
  TRY(open(log_end));
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
  return {};
}

void Archiver::stop() {
  stopping_ = true;
  ports_.store.cancel();
  if (thread_.joinable()) thread_.join();
}

Status Archiver::open(uint64_t log_end) {
  TRY_ASSIGN(std::optional<ArchiveState> kept, ports_.plans.load());
  if (adopt(std::move(kept), log_end)) TRY(ports_.plans.save(state_));
  stage_ = state_.plan ? Stage::put : Stage::none;
  start_batch();
  return {};
}

// Whether the place is another than the kept one. Then it must be kept before the log grows past the kept one.
bool Archiver::adopt(std::optional<ArchiveState> kept, uint64_t log_end) {
  uint64_t first = ports_.source.first();
  state_ = kept.value_or(ArchiveState{first, 0, std::nullopt});
  bool moved = false;
  uint64_t reached = state_.plan ? state_.plan->end : state_.next;
  if (reached > log_end) {
    ports_.operator_log.write(LogLevel::warning, "archive_set_back",
                              {{"from", std::to_string(reached)}, {"to", std::to_string(log_end)}});
    state_ = {log_end, state_.generation + 1, std::nullopt};
    moved = true;
  }
  if (state_.next >= first) return moved;
  ports_.operator_log.write(LogLevel::error, "archive_missed",
                            {{"from", std::to_string(state_.next)}, {"to", std::to_string(first)}});
  state_ = {first, state_.generation, std::nullopt};
  return true;
}

uint64_t Archiver::lag() const {
  uint64_t end = ports_.source.end(), read = read_to_.load(std::memory_order_relaxed);
  return end > read ? end - read : 0;
}

uint64_t Archiver::pending() const {
  uint64_t end = ports_.source.end(), next = needed_from();
  return end > next ? end - next : 0;
}

void Archiver::run() {
  work_in_background();
  while (!stopping_) {
    if (stage_ == Stage::none && !is_due() && !ports_.source.wait_for(batch_.next, options_.wait))
      continue;
    auto done = step();
    if (stopping_) return;
    note(done ? Status() : tl::unexpected(done.error()));
    if (!done) pause(next_pause());
  }
}

// stop() is seen within 50 ms.
void Archiver::pause(Duration most) const {
  for (int64_t waited = 0; waited < most.ms() && !stopping_; waited += 50)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

// Doubled each time; of it a random part, so that many that wait for one store do not come at once ("full jitter": Brooker,
// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
Duration Archiver::next_pause() {
  int doublings = static_cast<int>(std::min<uint32_t>(failures_in_row_ - 1, 20));
  int64_t most = std::min(options_.retry_max.ms(), options_.retry_min.ms() << doublings);
  return milliseconds(random_.between(options_.retry_min.ms() / 2, most));
}

// One line when it begins to fail, one for another cause, one when it works again.
void Archiver::note(const Status& done) {
  if (done) {
    if (failures_in_row_ > 0 && stage_ == Stage::none) {
      ports_.operator_log.write(LogLevel::info, "archive_works_again",
                                {{"failures", std::to_string(failures_in_row_)}});
      failures_in_row_ = 0;
      told_.clear();
      figures_.failing = false;
    }
    return;
  }
  ++figures_.failures;
  ++failures_in_row_;
  figures_.failing = true;
  std::string line = done.error().line();
  if (line == told_) return;
  told_ = line;
  ports_.operator_log.write(LogLevel::error, "archive_failed",
                            {{"from", std::to_string(state_.next)}, {"error", line}});
}

Result<bool> Archiver::step() {
  if (stage_ == Stage::none) {
    uint64_t before = batch_.next;
    TRY_ASSIGN(uint64_t next, fill());
    if (!is_due()) return next > before && !stopping_;
    close_batch();
  }
  TRY(move_on());
  return true;
}

void Archiver::start_batch() {
  batch_ = Batch{};
  batch_.start = batch_.next = state_.next;
  needed_from_ = state_.next;
  read_to_ = state_.next;
}

Result<uint64_t> Archiver::fill() {
  Status taken;
  TRY_ASSIGN(uint64_t next, ports_.source.read(batch_.next, ports_.source.end(),
                                               [&](const DecidedPayment& decided) {
                                                 auto more = take(batch_, decided);
                                                 if (!more) taken = tl::unexpected(more.error());
                                                 return more && *more && !stopping_;
                                               }));
  if (!taken) {
    start_batch();  // half a line may be in it
    return tl::unexpected(taken.error());
  }
  batch_.next = next;
  read_to_ = next;
  return next;
}

// Whether the batch has room for more.
Result<bool> Archiver::take(Batch& batch, const DecidedPayment& decided) {
  if (!batch.encoder) {
    RecordedPayment first;
    TRY(read_recorded(decided, first));
    batch.opened = ports_.clock.now();
    batch.name = object_name(options_.naming, batch.start, state_.generation, first.event_time,
                             options_.encoding);
    batch.encoder = new_encoder(options_.encoding, batch.name);
  }
  TRY(batch.encoder->add(decided));
  ++batch.records;
  return !is_full(batch);
}

bool Archiver::is_full(const Batch& batch) const {
  return batch.records >= options_.batch_records ||
         (batch.encoder && batch.encoder->bytes_in() >= options_.batch_bytes);
}

bool Archiver::is_due() const {
  if (!batch_.encoder) return false;
  if (is_full(batch_)) return true;
  Duration age = ports_.clock.now() - batch_.opened;
  return age >= options_.batch_time || age < seconds(0);  // a clock that was set back
}

void Archiver::close_batch() {
  object_ = batch_.encoder->finish();
  object_records_ = batch_.records;
  state_.plan =
      ObjectPlan{batch_.start, batch_.next, batch_.name, options_.encoding, sha256_hex(object_)};
  stage_ = Stage::plan;
}

// The object of a plan that an earlier process made durable.
Status Archiver::remake() {
  const ObjectPlan& plan = *state_.plan;
  auto encoder = new_encoder(plan.encoding, plan.name);
  uint64_t records = 0;
  Status added;
  TRY_ASSIGN(uint64_t next, ports_.source.read(plan.start, plan.end, [&](const DecidedPayment& d) {
    added = encoder->add(d);
    ++records;
    return added && !stopping_;
  }));
  TRY(added);
  if (next != plan.end)
    return fail(
        "the log does not reach to the end of the planned object", plan.name,
        "positions " + std::to_string(next) + " to " + std::to_string(plan.end) + " are not there");
  object_ = encoder->finish();
  object_records_ = records;
  if (sha256_hex(object_) != plan.sha256)
    ports_.operator_log.write(LogLevel::warning, "archive_object_differs", {{"name", plan.name}});
  return {};
}

// One stage after the other; a failure leaves the stage as it is.
Status Archiver::move_on() {
  if (stage_ == Stage::plan) {
    TRY(ports_.plans.save(state_));
    stage_ = Stage::put;
  }
  if (stage_ == Stage::put) {
    if (object_.empty()) TRY(remake());
    TRY(ports_.store.put(state_.plan->name, object_));
    stage_ = Stage::move;
  }
  CHECK(stage_ == Stage::move, "an object is on its way");
  ArchiveState behind = {state_.plan->end, state_.generation, std::nullopt};
  TRY(ports_.plans.save(behind));
  state_ = std::move(behind);
  finish();
  return {};
}

void Archiver::finish() {
  ++figures_.objects;
  figures_.records += object_records_;
  figures_.bytes += object_.size();
  object_.clear();
  object_.shrink_to_fit();
  stage_ = Stage::none;
  start_batch();
}

}  // namespace paywarden
