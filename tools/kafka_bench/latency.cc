#include "../loadgen/latency.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "handles.h"
#include "simulator/simulator.h"

namespace paywarden::kafka_bench {
namespace {

using Steady = std::chrono::steady_clock;

// The offset in the header `input`: topic:partition:offset. -1: there is none.
int64_t input_of(const rd_kafka_message_t* message) {
  rd_kafka_headers_t* headers = nullptr;
  const void* data = nullptr;
  size_t size = 0;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      rd_kafka_header_get_last(headers, "input", &data, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return -1;
  std::string text(static_cast<const char*>(data), size);
  return std::stoll(text.substr(text.rfind(':') + 1));
}

class Measurement {
 public:
  Measurement(const Bench& bench, const LatencyOptions& options)
      : bench_(bench),
        options_(options),
        count_(static_cast<size_t>(options.rate * (options.seconds + options.warm_seconds))),
        warm_(static_cast<size_t>(options.rate * options.warm_seconds)),
        seen_at_(count_) {}

  Status run() {
    TRY_ASSIGN(producer_, plain_producer(bench_, "1"));
    TRY_ASSIGN(auto input, range_of(*producer_, options_.topic));
    base_ = input.second;
    TRY_ASSIGN(auto decisions, range_of(*producer_, options_.decisions));
    TRY_ASSIGN(consumer_, read_partition(bench_, options_.decisions, decisions.second,
                                         {{"group.id", "bench-latency"},
                                          {"isolation.level", "read_committed"},
                                          {"fetch.wait.max.ms", "100"}}));
    EventTime now = SystemClock().now();
    SimulatorOptions world{.customers = options_.customers, .start = now, .id_prefix = "latency-"};
    TRY_ASSIGN(Simulator simulator, Simulator::create(world));
    SimulatedPayment payment;
    simulator.next(payment);  // plans a day of all customers: that must not delay the first
    start_ = Steady::now() + std::chrono::milliseconds(500);
    start_time_ = SystemClock().now() + milliseconds(500);
    std::thread reader([this] { read(); });
    Status sent = send(simulator, payment);
    if (!sent) given_up_ = true;
    reader.join();
    rd_kafka_consumer_close(consumer_->handle());
    if (!sent) return sent;
    return report();
  }

 private:
  Steady::time_point due(size_t i) const {
    return start_ + std::chrono::nanoseconds(
                        static_cast<int64_t>(static_cast<double>(i) * 1e9 / options_.rate));
  }

  Status send(Simulator& simulator, SimulatedPayment& payment) {
    std::string json;
    for (size_t i = 0; i < count_; ++i) {
      auto after = std::chrono::duration_cast<std::chrono::milliseconds>(due(i) - start_).count();
      payment.event_time = start_time_ + milliseconds(after);
      json.clear();
      payment.append_json(json, Labels::left_out);
      json.pop_back();
      std::this_thread::sleep_until(due(i));
      late_ = std::max(late_, Steady::now() - due(i));
      TRY(put(*producer_, options_.topic, json, payment.event_time.ms()));
      simulator.next(payment);
    }
    return flush(*producer_);
  }

  void read() {
    auto limit = due(count_) + std::chrono::seconds(options_.timeout_s);
    size_t seen = 0;
    while (seen < count_ && !given_up_ && Steady::now() < limit) {
      rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_->handle(), 100);
      if (!message) continue;
      auto now = Steady::now();
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        int64_t place = input_of(message) - base_;
        if (place >= 0 && place < static_cast<int64_t>(count_)) {
          Steady::time_point& at = seen_at_[static_cast<size_t>(place)];
          twice_ += at != Steady::time_point();
          at = now;
          ++seen;
        }
      }
      rd_kafka_message_destroy(message);
    }
  }

  Status report() {
    LatencyRecorder recorder;
    for (size_t i = 0; i < count_; ++i) {
      if (seen_at_[i] == Steady::time_point() || twice_ > 0)
        return fail("not every payment has one visible decision", options_.decisions,
                    "look at what the program says");
      if (i >= warm_)
        recorder.add(
            std::chrono::duration_cast<std::chrono::nanoseconds>(seen_at_[i] - due(i)).count());
    }
    LatencySummary ms = recorder.summary();
    fmt::print("p50_ms={:.1f} p99_ms={:.1f} p999_ms={:.1f} max_ms={:.1f} sender_late_ms={:.1f}\n",
               ms.p50, ms.p99, ms.p999, ms.max,
               std::chrono::duration<double, std::milli>(late_).count());
    return {};
  }

  const Bench& bench_;
  const LatencyOptions& options_;
  size_t count_, warm_;
  int64_t base_ = 0;  // offset of the first payment
  std::unique_ptr<KafkaClient> producer_, consumer_;
  Steady::time_point start_;
  EventTime start_time_;
  Steady::duration late_{};
  std::atomic<bool> given_up_{false};
  std::vector<Steady::time_point> seen_at_;  // the reader's until it ends, as the next
  uint64_t twice_ = 0;
};

}  // namespace

Status latency(const Bench& bench, const LatencyOptions& options) {
  return Measurement(bench, options).run();
}

}  // namespace paywarden::kafka_bench
