#include "notify/log_follower.h"

#include <algorithm>

#include "base/background.h"

namespace paywarden {

Status LogFollower::start(uint64_t log_end) {
  TRY_ASSIGN(uint64_t from, alerting_.start(log_end));
  uint64_t first = log_.first_sequence(), needed = alerting_.needed_from();
  if (needed < first && needed > 0)
    operator_log_.write(
        LogLevel::error, "alerts_missed",
        {{"from", std::to_string(needed)},
         {"to", std::to_string(first)},
         {"remedy", "the log was cut before it was read: alerts of these records do not exist"}});
  next_ = std::max(from, first);
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
  return {};
}

void LogFollower::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

uint64_t LogFollower::lag() const {
  uint64_t end = log_.durable_end(), next = this->next();
  return end > next ? end - next : 0;
}

void LogFollower::run() {
  work_in_background();
  while (!stopping_) {
    if (!log_.wait_for(next(), options_.wait)) continue;
    auto done = step();
    if (!done) complain(done.error());
    if (!done)
      pause(options_.retry);
    else if (lag() < options_.batch_records_max)
      pause(options_.pace);
  }
}

// stop() is seen within 50 ms.
void LogFollower::pause(Duration most) const {
  for (int64_t waited = 0; waited < most.ms() && !stopping_; waited += 50)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

Result<size_t> LogFollower::step() {
  TRY_ASSIGN(Batch batch, read());
  if (batch.records.empty()) return size_t{0};
  TRY(alerting_.apply(batch.records));
  next_ = batch.records.back().sequence + 1;
  return batch.records.size();
}

// A copy: views into the log end with the visit, and an fsync must not hold up whoever else reads.
Result<LogFollower::Batch> LogFollower::read() const {
  Batch batch;
  TRY_ASSIGN([[maybe_unused]] uint64_t end, log_.read(next(), [&](const RecordView& record) {
    batch.offsets.push_back(batch.bytes.size());
    batch.bytes.append(record.bytes);
    batch.records.push_back(record);
    return batch.records.size() < options_.batch_records_max &&
           batch.bytes.size() < options_.batch_bytes_max;
  }));
  for (size_t i = 0; i < batch.records.size(); ++i)
    batch.records[i].bytes =
        std::string_view(batch.bytes).substr(batch.offsets[i], batch.records[i].bytes.size());
  return batch;
}

void LogFollower::complain(const Error& error) {
  operator_log_.write(LogLevel::error, "alerting_failed",
                      {{"sequence", std::to_string(next())}, {"error", error.line()}});
}

}  // namespace paywarden
