// Rounds of deliveries: due rows, attempts, waits, dead letters.
#include "notify/outbox.h"

#include <algorithm>
#include <deque>

namespace paywarden {
namespace {

// Housekeeping of delivered rows; far more often than `delivered_age_max` needs.
constexpr Duration kForgetEvery = hours(1);

}  // namespace

struct Dispatcher::Worker {
  Worker(ChannelSetup wanted, uint64_t seed)
      : channel(std::move(wanted.channel)), options(wanted.quiet), random(seed) {}
  std::unique_ptr<Channel> channel;
  const QuietOptions options;
  Random random;
  std::deque<EventTime> sent;  // attempts within the last `options.per`
  EventTime forgot = EventTime::min();
  ChannelStats stats;  // under mutex_
  std::thread thread;
};

SystemEvent dead_delivery_event(const std::string& channel, const Delivery& row,
                                const std::string& error, EventTime now) {
  return {AlertKind::system,
          "dead_deliveries:" + channel,
          Outcome::review,
          "Messages through '" + channel + "' do not arrive",
          "The message on alert " + std::to_string(row.alert_id) + " was given up: " + error +
              ". Correct the channel, then send it again from the page (Health, deliveries).",
          now};
}

Duration backoff(int attempts, Duration first, Duration max) {
  Duration wait = first;
  for (int i = 1; i < attempts && wait < max; ++i) wait = wait + wait;
  return std::min(wait, max);
}

Dispatcher::Dispatcher(Store& store, std::vector<ChannelSetup> channels, DispatcherOptions options,
                       DispatcherPorts ports)
    : store_(store), options_(options), ports_(std::move(ports)) {
  for (ChannelSetup& setup : channels) {
    workers_.push_back(std::make_unique<Worker>(std::move(setup), ports_.seed + workers_.size()));
    workers_.back()->stats.name = workers_.back()->channel->name();
  }
}

Dispatcher::~Dispatcher() {
  stop();
}

void Dispatcher::start() {
  for (auto& worker : workers_) worker->thread = std::thread([this, &worker] { run(*worker); });
}

void Dispatcher::wake() {
  std::lock_guard lock(mutex_);
  ++wakes_;
  wake_.notify_all();
}

void Dispatcher::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  for (auto& worker : workers_) {
    worker->channel->cancel();
    if (worker->thread.joinable()) worker->thread.join();
  }
}

std::vector<ChannelStats> Dispatcher::stats() const {
  std::lock_guard lock(mutex_);
  std::vector<ChannelStats> all;
  for (const auto& worker : workers_) all.push_back(worker->stats);
  return all;
}

void Dispatcher::run(Worker& worker) {
  size_t place = 0;
  while (workers_[place].get() != &worker) ++place;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    uint64_t seen = wakes_;
    lock.unlock();
    auto tried = run_due(place);
    if (!tried)
      ports_.log.write(LogLevel::error, "outbox_failed", {{"error", tried.error().line()}});
    lock.lock();
    if (tried && *tried > 0) continue;  // there may be more
    wake_.wait_for(lock, std::chrono::milliseconds(options_.poll.ms()),
                   [&] { return stopping_ || wakes_ != seen; });
  }
}

Result<int> Dispatcher::run_due(size_t place) {
  Worker& worker = *workers_[place];
  EventTime now = ports_.clock.now();
  if (now - worker.forgot > kForgetEvery) {
    TRY(store_.forget_delivered(now - store_.options().delivered_age_max));
    worker.forgot = now;
  }
  TRY_ASSIGN(auto rows, store_.due(worker.channel->name(), now, options_.rows_at_once));
  int tried = 0;
  for (const Delivery& row : rows) {
    if (quiet(worker, ports_.clock.now())) break;
    Attempt attempt =
        worker.channel->deliver({row.message_id, row.payload, ports_.clock.now(), row.queued});
    if (attempt.outcome == Attempt::Outcome::cancelled) break;
    worker.sent.push_back(ports_.clock.now());
    TRY(settle(worker, row, attempt));
    ++tried;
  }
  return tried;
}

bool Dispatcher::quiet(Worker& worker, EventTime now) const {
  while (!worker.sent.empty() && worker.sent.front() + worker.options.per <= now)
    worker.sent.pop_front();
  return static_cast<int>(worker.sent.size()) >= worker.options.messages_max;
}

Status Dispatcher::settle(Worker& worker, const Delivery& row, const Attempt& attempt) {
  if (attempt.outcome == Attempt::Outcome::delivered) {
    TRY(store_.delivered(row.id));
    std::lock_guard lock(mutex_);
    ++worker.stats.delivered;
    return {};
  }
  std::string error = attempt.error.substr(0, options_.error_bytes_max);
  ports_.log.write(LogLevel::warning, "delivery_failed",
                   {{"channel", worker.channel->name()},
                    {"message_id", row.message_id},
                    {"attempts", std::to_string(row.attempts + 1)},
                    {"error", error}});
  {
    std::lock_guard lock(mutex_);
    ++worker.stats.failed;
  }
  EventTime next = next_attempt(worker, row, attempt);
  bool spent = row.attempts + 1 >= options_.attempts_max || next - row.queued > options_.age_max;
  if (attempt.outcome == Attempt::Outcome::refused || spent) return give_up(worker, row, error);
  return store_.postpone(row.id, next, error);
}

// Tells first and buries then: a crash between the two tells twice (one alert all the same) and
// never forgets.
Status Dispatcher::give_up(Worker& worker, const Delivery& row, const std::string& error) {
  if (ports_.on_dead) ports_.on_dead(worker.channel->name(), row, error);
  TRY(store_.bury(row.id, error));
  std::lock_guard lock(mutex_);
  ++worker.stats.dead;
  return {};
}

EventTime Dispatcher::next_attempt(Worker& worker, const Delivery& row, const Attempt& attempt) {
  Duration wait = backoff(row.attempts + 1, options_.backoff_first, options_.backoff_max);
  double factor = 1 + options_.backoff_jitter * (2 * worker.random.unit() - 1);
  Duration jittered(static_cast<int64_t>(static_cast<double>(wait.ms()) * factor));
  Duration asked = std::min(attempt.retry_after, options_.retry_after_max);
  return ports_.clock.now() + std::max(jittered, asked);
}

}  // namespace paywarden
