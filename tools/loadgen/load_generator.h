// Sends payments to a server at intended times that never wait for answers (an open loop), and
// measures every answer from the intended time. A server that stalls is therefore seen in full: the
// payments that should have been sent meanwhile wait in a queue here, and their waiting counts (no
// "coordinated omission").
//
//   LoadOptions options{.target = *parse_target("http://127.0.0.1:8080"), .key = key, .rate =
//   3'000}; auto report = run_load(options, [&](EventTime time, std::string& body) { ... },
//   progress); if (report && report->clean()) ...
//
// One thread; it sleeps between due times, so that the server may have the processor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace paywarden {

struct LoadTarget {
  std::string host;
  std::string port;
  std::string path = "/v1/payments";
};
// "http://host[:port][/path]"
Result<LoadTarget> parse_target(std::string_view url);

enum class Arrivals { fixed, poisson };  // equal gaps, or as independent customers arrive

struct LoadOptions {
  LoadTarget target{};
  std::string key{};                // sent as "Authorization: Bearer KEY"; none when empty
  double rate = 1'000;              // payments a second, above 0
  Duration duration = seconds(10);  // of sending; answers are awaited for `deadline` beyond it
  int connections = 64;             // 1 to 10,000; one payment at a time on each
  Arrivals arrivals = Arrivals::fixed;
  uint64_t seed = 1;               // of Poisson gaps
  Duration deadline = seconds(1);  // after the intended time a payment is given up: error "timeout"
  Duration reconnect =
      milliseconds(50);    // between attempts of one connection: no storm on a server that is down
  EventTime start_time{};  // event time of the first payment (the wall clock, given by main)
};
inline constexpr double kLoadPaymentsMax = 50e6;  // rate * duration: each latency is kept, 4 bytes

struct LatencySummary {  // milliseconds
  double p50 = 0, p90 = 0, p99 = 0, p999 = 0, max = 0;
};

struct LoadReport {
  uint64_t sent = 0;             // due, and therefore measured
  uint64_t decided = 0;          // answered with 200 and a decision
  uint64_t default_answers = 0;  // answered with "decided": false
  std::map<std::string, uint64_t>
      errors;          // "status 503", "timeout", "connection lost", "broken answer"
  double seconds = 0;  // from the first intended time to the last answer, at least the duration
  LatencySummary latency_ms;   // from the intended time to the answer, or to giving up
  LatencySummary send_lag_ms;  // from the intended time to the sending: waiting in the generator

  double achieved_rate() const { return static_cast<double>(decided) / seconds; }
  bool clean() const { return errors.empty() && default_answers == 0 && decided == sent; }
  std::string text() const;
  std::string json() const;
};

// Appends one payment (JSON) with this event time.
using BodySource = std::function<void(EventTime, std::string&)>;
// One line a second.
using ProgressSink = std::function<void(const std::string&)>;

// Blocks until all is sent and answered or given up. Fails when the options are wrong or the server
// cannot be reached.
Result<LoadReport> run_load(const LoadOptions& options, const BodySource& body,
                            const ProgressSink& progress);

}  // namespace paywarden
