// What open pages are sent as it happens: alerts that are new or changed, and figures once a
// second.
//
//   Live live(store, accounts, stats, options, {clock, log});
//   live.start();
//   live.changed(ids);                         // from Alerting's on_change: any thread, never
//   blocks live.join(who, [stream](auto data, auto event) { return stream.send(data, event);
//   }); std::string json = live.stats_json();      // GET /api/stats live.stop();
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/operator_log.h"
#include "center/accounts.h"
#include "center/ports.h"
#include "notify/store.h"

namespace paywarden {

struct LiveOptions {
  size_t history_max = 900;  // seconds of figures kept: 15 minutes
  size_t pages_max = 200;    // open streams; the HTTP server has its own limit besides
  size_t changed_max =
      200;  // alerts sent at a time; in a storm pages get the newest, and the rest on reload
  Duration alerts_every =
      milliseconds(200);  // changes are gathered so long: a growing alert is sent once
  Duration stats_every = seconds(1);
  Duration upkeep_every = seconds(10);  // leftover labels
};

class Live {
 public:
  // Sends one event; false: the page is gone. Must not block.
  using Send = std::function<bool(std::string_view data, std::string_view event)>;

  Live(Store& store, Accounts& accounts, StatsSource& stats, LiveOptions options, Clock& clock,
       OperatorLog& log);
  ~Live() { stop(); }
  // `upkeep` runs about every `upkeep_every`, on this thread.
  void start(std::function<void()> upkeep);
  void stop();

  void changed(std::span<const int64_t> ids);
  // False: too many pages. The stream ends when `who` has no right to it any longer.
  bool join(Who who, Send send);
  std::string stats_json() const;
  size_t pages() const;

  // For the thread, and for tests.
  void send_alerts();
  void send_stats();

 private:
  struct Page {
    Who who;
    Send send;
  };
  void run();
  void send_to_all(const std::string& data, std::string_view event);

  Store& store_;
  Accounts& accounts_;
  StatsSource& stats_;
  const LiveOptions options_;
  Clock& clock_;
  OperatorLog& log_;
  std::function<void()> upkeep_;

  mutable std::mutex mutex_;  // guards what follows; never held while sending
  std::condition_variable wake_;
  bool stopping_ = false;
  std::set<int64_t> changed_;
  std::vector<Page> pages_;
  std::deque<std::string> history_;  // `now` of the last seconds, JSON
  std::thread thread_;
};

}  // namespace paywarden
