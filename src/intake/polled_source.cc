#include "intake/polled_source.h"

#include <string.h>

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "base/hash.h"

namespace paywarden {
namespace {

Schema schema_for(const PolledSourceOptions& options, const Schema& schema) {
  return options.time_column.empty()
             ? schema
             : with_event_time(schema, options.time_column, TimeFormat::epoch_ms);
}

}  // namespace

PolledSource::PolledSource(PolledSourceOptions options, const Schema& schema,
                           const Tokeniser& tokeniser, const ParserOptions& parser, HttpGet& http,
                           Clock& clock, RejectSink& rejects, OperatorLog& log, Take take)
    : options_(std::move(options)),
      source_name_("polled:" + options_.name),
      schema_(schema_for(options_, schema)),
      parser_(schema_, tokeniser, parser),
      table_(options_.body_bytes_max),
      http_(http),
      clock_(clock),
      rejects_(rejects),
      log_(log),
      take_(std::move(take)),
      random_(options_.seed) {}

PolledSource::~PolledSource() {
  stop();
}

void PolledSource::start() {
  CHECK(!thread_.joinable(), "started once");
  thread_ = std::thread([this] { run(); });
}

void PolledSource::stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    stop_signal_.notify_all();
  }
  http_.cancel();
  if (thread_.joinable()) thread_.join();
}

void PolledSource::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    lock.unlock();
    poll_once();
    Duration wait = next_wait();
    lock.lock();
    stop_signal_.wait_for(lock, std::chrono::milliseconds(wait.ms()), [this] { return stopped_; });
  }
}

PolledCounts PolledSource::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

void PolledSource::count(uint64_t PolledCounts::*which) {
  std::lock_guard lock(mutex_);
  ++(counts_.*which);
}

bool PolledSource::poll_once() {
  count(&PolledCounts::polls);
  Result<HttpReply> reply = http_.get();
  if (!reply) {
    failed(&PolledCounts::unreachable, reply.error());
    return false;
  }
  if (reply->status != 200) {
    failed(&PolledCounts::bad_status,
           {"the server answered with status " + std::to_string(reply->status), {}, {}});
    return false;
  }
  Status taken = take_answer(*reply);
  table_.wipe();
  explicit_bzero(reply->body.data(), reply->body.size());
  if (!taken) {
    failed(&PolledCounts::bad_body, taken.error());
    return false;
  }
  failures_ = 0;
  return true;
}

Status PolledSource::take_answer(const HttpReply& reply) {
  TRY(table_.read(reply.body));
  TRY_ASSIGN(ColumnMap columns, parser_.columns(table_.columns()));
  for (size_t i = 0; i < table_.row_count(); ++i) take_row(columns, table_.row(i), i + 1);
  return {};
}

void PolledSource::take_row(const ColumnMap& columns, std::span<const RawValue> row,
                            uint64_t line) {
  count(&PolledCounts::rows);
  if (std::optional<Rejection> no = parser_.parse_row(columns, row, clock_.now(), payment_))
    return reject(line, *no);
  PollAnswer answer = take_(payment_);
  if (answer.why) return reject(line, *answer.why);
  switch (answer.verdict) {
    case PollVerdict::accepted:
      return count(&PolledCounts::accepted);
    case PollVerdict::repeated:
      return count(&PolledCounts::repeated);
    case PollVerdict::refused:
      return count(&PolledCounts::refused);
  }
}

void PolledSource::reject(uint64_t line, const Rejection& rejection) {
  count(&PolledCounts::rejected);
  if (rejected_.size() == kPolledRejectsRemembered) rejected_.clear();
  if (!rejected_.insert(hash64(rejection.line(), hash64(rejection.raw))).second) return;
  rejects_.add({source_name_, line, rejection});
}

void PolledSource::failed(uint64_t PolledCounts::*which, const Error& error) {
  count(which);
  ++failures_;
  log_.write(LogLevel::warning, "poll_failed",
             {{"source", source_name_},
              {"reason", masked_excerpt(error.line(), 400)},
              {"failures", std::to_string(failures_)}});
}

Duration PolledSource::next_wait() {
  Duration wait = options_.interval;
  if (failures_ > 0) {
    unsigned doublings = std::min(failures_ - 1, 30u);
    wait = Duration(std::min(options_.backoff_max.ms(), options_.backoff_first.ms() << doublings));
  }
  double share = 1 - options_.jitter * random_.unit();
  return Duration(static_cast<int64_t>(static_cast<double>(wait.ms()) * share));
}

}  // namespace paywarden
