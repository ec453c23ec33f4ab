// Simulated payments for a running system: exactly so many a second, each dated when it is due.
//
//   auto live = LiveSimulator::create({.world = {.start = clock.now()}, .payments_per_second =
//   100}); SimulatedPayment payment; for (;;) { live->next(payment);
//   sleep_until(payment.event_time); send(payment); }
//
// Payment number i is dated start + i / rate. People, habits, hours and fraud scenarios are those
// of Simulator: at 3:00 it is the night workers who pay. What differs is how often one customer
// pays, rate / customers: 5,000 customers at 100 payments/s pay every 50 s each. For a minute that
// looks like life, for hours it does not: take more customers then, or pace a Simulator, whose
// calendar then runs faster than the clock (its event times stay in proportion, as in a time-lapse
// film). Fraud cases are hurried by `pace`, and there are more of them.
//
// A demonstration that first learns from history takes the history's world, so that cards are known
// ones:
//   auto live = LiveSimulator::create(options, std::move(*history).take_world());
#pragma once

#include <memory>
#include <vector>

#include "simulator/simulator.h"

namespace paywarden {

struct LiveSimulatorOptions {
  // `start`: when the first payment is due. `payments_per_day_per_customer` only weighs customers
  // here.
  SimulatorOptions world = {.fraud_share = 0.02, .id_prefix = "live-"};
  double payments_per_second = 100;  // 0.01 to 100,000
  // An hour within a case takes a minute, a day until stolen data is misused takes 86 s: the
  // scenarios play out while somebody watches.
  CasePace pace = {.gap_divisor = 60, .delay_divisor = 1000};
};

class LiveSimulator {
 public:
  static Result<LiveSimulator> create(const LiveSimulatorOptions& options);
  static Result<LiveSimulator> create(const LiveSimulatorOptions& options, World world);

  // The next payment. Its text points into the simulator, which must outlive it.
  void next(SimulatedPayment& out);
  const World& world() const { return parts_->world; }

 private:
  struct Parts {  // on the heap: they refer to each other
    Parts(const LiveSimulatorOptions& options, World made);
    std::string id_prefix;
    World world;
    Habits habits;
    FraudPlanner frauds;
    Random random;
  };
  LiveSimulator(const LiveSimulatorOptions& options, World world);
  Planned next_planned(EventTime due);
  Planned honest_payment(EventTime due);
  uint32_t draw_customer(EventTime due);
  void keep_fresh(size_t from);

  std::unique_ptr<Parts> parts_;
  LiveSimulatorOptions options_;
  uint64_t emitted_ = 0;
  double activity_scale_;         // makes the most frequent customers' chance about 1
  std::vector<Planned> fresh_;    // what was just planned, before it joins the heap
  std::vector<Planned> pending_;  // a heap, the earliest first
};

}  // namespace paywarden
