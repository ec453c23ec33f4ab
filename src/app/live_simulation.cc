#include "app/live_simulation.h"

namespace paywarden {

Result<std::unique_ptr<LiveSimulation>> LiveSimulation::create(const LiveSimulationOptions& options,
                                                               LiveSimulationPorts ports) {
  TRY_ASSIGN(Simulator simulator, Simulator::create(options.world));
  return std::unique_ptr<LiveSimulation>(new LiveSimulation(options, ports, std::move(simulator)));
}

LiveSimulation::LiveSimulation(const LiveSimulationOptions& options, LiveSimulationPorts ports,
                               Simulator simulator)
    : options_(options),
      ports_(ports),
      simulator_(std::move(simulator)),
      parser_(ports.schema, ports.tokeniser, {}) {}

void LiveSimulation::start() {
  thread_ = std::thread([this] { run(); });
}

void LiveSimulation::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool LiveSimulation::wait_until(std::chrono::steady_clock::time_point due) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_until(lock, due, [this] { return stopping_; });
}

void LiveSimulation::run() {
  // The engine's history is this stream's own past: go on behind it.
  EventTime known(ports_.engine.figures().watermark_ms.load());
  SimulatedPayment payment;
  simulator_.next(payment);
  while (payment.event_time <= known) {
    if (payment.is_fraud() && payment.event_time + options_.label_delay > known)
      labels_.push_back(
          {payment.payment_id(), true, "chargeback", payment.event_time + options_.label_delay});
    simulator_.next(payment);
  }
  auto started = std::chrono::steady_clock::now();
  for (uint64_t i = 0;; ++i) {
    auto due = started + std::chrono::nanoseconds(static_cast<int64_t>(static_cast<double>(i) *
                                                                       1e9 / options_.per_second));
    Duration ahead = payment.event_time - ports_.clock.now();
    if (ahead > Duration())
      due = std::max(due, std::chrono::steady_clock::now() + std::chrono::milliseconds(ahead.ms()));
    if (!wait_until(due)) return;
    send_due_labels(payment.event_time);
    send(payment);
    simulator_.next(payment);
  }
}

void LiveSimulation::send(const SimulatedPayment& payment) {
  json_.clear();
  payment.append_json(json_, Labels::left_out);
  Payment parsed;
  if (auto no = parser_.parse_json(json_, ports_.clock.now(), parsed))
    return ports_.rejects.add({"simulation", 0, *no});
  bool taken = !ports_.intake_closed && ports_.engine.submit(Work::of(std::move(parsed), nullptr));
  (taken ? sent_ : refused_).fetch_add(1, std::memory_order_relaxed);
  if (taken && payment.is_fraud())
    labels_.push_back(
        {payment.payment_id(), true, "chargeback", payment.event_time + options_.label_delay});
}

void LiveSimulation::send_due_labels(EventTime now) {
  for (; !labels_.empty() && labels_.front().event_time <= now; labels_.pop_front())
    ports_.engine.submit_waiting(Work::of(labels_.front(), nullptr));
}

}  // namespace paywarden
