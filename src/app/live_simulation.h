// The simulator's payments into a running engine at a steady rate, as a sender would: as JSON through the parser. Its
// calendar runs in a time lapse (a day of 5,000 customers passes in 150 s at 50 a second), so that windows of weeks
// hold what a model was trained on; where it reaches the present it waits for it. The frauds' labels follow after the
// label delay of event time, as chargebacks would.
//
//   LiveSimulation live(options, {engine, schema, tokeniser, clock, rejects, intake_closed});
//   live.start();   // a thread; begins behind what the engine has seen
//   live.stop();
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "engine/engine.h"
#include "intake/payment_parser.h"
#include "intake/rejects.h"
#include "simulator/simulator.h"

namespace paywarden {

struct LiveSimulationOptions {
  SimulatorOptions world;
  double per_second = 50;
  Duration label_delay = days(7);
};

struct LiveSimulationPorts {
  Engine& engine;
  const Schema& schema;
  const Tokeniser& tokeniser;
  Clock& clock;
  RejectSink& rejects;
  const std::atomic<bool>& intake_closed;  // payments are refused, as others' are
};

class LiveSimulation {
 public:
  static Result<std::unique_ptr<LiveSimulation>> create(const LiveSimulationOptions& options,
                                                        LiveSimulationPorts ports);
  ~LiveSimulation() { stop(); }
  void start();
  void stop();
  uint64_t sent() const { return sent_.load(std::memory_order_relaxed); }
  uint64_t refused() const {
    return refused_.load(std::memory_order_relaxed);
  }  // the engine's queue was full, or intake closed

 private:
  LiveSimulation(const LiveSimulationOptions& options, LiveSimulationPorts ports,
                 Simulator simulator);
  void run();
  bool wait_until(std::chrono::steady_clock::time_point due);
  void send(const SimulatedPayment& payment);
  void send_due_labels(EventTime now);

  LiveSimulationOptions options_;
  LiveSimulationPorts ports_;
  Simulator simulator_;
  PaymentParser parser_;
  std::string json_;
  std::deque<Label> labels_;  // in event-time order
  std::mutex mutex_;          // stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::atomic<uint64_t> sent_{0}, refused_{0};
  std::thread thread_;
};

}  // namespace paywarden
