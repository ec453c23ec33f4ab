#include "center/live.h"

#include <algorithm>

#include "base/json_writer.h"
#include "center/api_json.h"

namespace paywarden {
namespace {

using Steady = std::chrono::steady_clock;

std::chrono::milliseconds real(Duration span) {
  return std::chrono::milliseconds(span.ms());
}

}  // namespace

Live::Live(Store& store, Accounts& accounts, StatsSource& stats, LiveOptions options, Clock& clock,
           OperatorLog& log)
    : store_(store),
      accounts_(accounts),
      stats_(stats),
      options_(options),
      clock_(clock),
      log_(log) {}

void Live::start(std::function<void()> upkeep) {
  upkeep_ = std::move(upkeep);
  thread_ = std::thread([this] { run(); });
}

void Live::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Live::run() {
  auto stats_at = Steady::now(), upkeep_at = Steady::now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    send_alerts();
    if (Steady::now() >= stats_at) {
      send_stats();
      stats_at += real(options_.stats_every);
    }
    if (Steady::now() >= upkeep_at) {
      upkeep_();
      upkeep_at = Steady::now() + real(options_.upkeep_every);
    }
    lock.lock();
    wake_.wait_for(lock, real(options_.alerts_every), [&] { return stopping_; });
  }
}

void Live::changed(std::span<const int64_t> ids) {
  std::lock_guard lock(mutex_);
  changed_.insert(ids.begin(), ids.end());
  while (changed_.size() > options_.changed_max) changed_.erase(changed_.begin());
}

bool Live::join(Who who, Send send) {
  std::lock_guard lock(mutex_);
  if (pages_.size() >= options_.pages_max) return false;
  pages_.push_back({std::move(who), std::move(send)});
  return true;
}

size_t Live::pages() const {
  std::lock_guard lock(mutex_);
  return pages_.size();
}

void Live::send_alerts() {
  std::vector<int64_t> ids;
  {
    std::lock_guard lock(mutex_);
    ids.assign(changed_.begin(), changed_.end());
    changed_.clear();
  }
  if (ids.empty()) return;
  auto summaries = store_.summaries(ids);
  if (!summaries)
    return log_.write(LogLevel::error, "stream_failed", {{"error", summaries.error().line()}});
  for (const AlertSummary& summary : *summaries) {
    std::string json;
    append_json(summary, json);
    send_to_all(json, "alert");
  }
}

void Live::send_stats() {
  if (auto done = accounts_.maintain(); !done)
    log_.write(LogLevel::error, "accounts_failed", {{"error", done.error().line()}});
  auto counts = store_.counts();
  StatsNow now = stats_.now();
  now.time = clock_.now();
  std::string json;
  append_json(now, counts ? counts->open : 0, json);
  {
    std::lock_guard lock(mutex_);
    history_.push_back(json);
    if (history_.size() > options_.history_max) history_.pop_front();
    std::erase_if(pages_, [&](const Page& page) { return !accounts_.lives(page.who); });
  }
  send_to_all(json, "stats");
}

void Live::send_to_all(const std::string& data, std::string_view event) {
  std::vector<Page> pages;
  {
    std::lock_guard lock(mutex_);
    pages.swap(pages_);
  }
  std::erase_if(pages, [&](const Page& page) { return !page.send(data, event); });
  std::lock_guard lock(mutex_);
  pages_.insert(pages_.end(), std::make_move_iterator(pages.begin()),
                std::make_move_iterator(pages.end()));
}

std::string Live::stats_json() const {
  std::string out;
  JsonWriter json(out);
  std::lock_guard lock(mutex_);
  json.open_object().key("now");
  if (history_.empty())
    json.null();
  else
    json.raw(history_.back());
  json.key("history").open_array();
  for (const std::string& second : history_) json.raw(second);
  json.close_array().key("scores").open_object().key("counts").open_array();
  for (uint64_t count : stats_.scores()) json.integer(static_cast<int64_t>(count));
  json.close_array()
      .close_object()
      .key("decided")
      .integer(static_cast<int64_t>(stats_.decided()))
      .close_object();
  return out;
}

}  // namespace paywarden
