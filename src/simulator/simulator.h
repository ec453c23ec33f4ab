// The built-in simulator: labelled synthetic payments, the same bytes for the same seed on every
// machine.
//
//   auto simulator = Simulator::create({.seed = 7});
//   if (!simulator) return fail...                 // an option out of its range
//   SimulatedPayment payment;
//   for (int i = 0; i < 100'000; ++i) { simulator->next(payment); payment.append_json(out); }
//
// The stream is endless and ordered by event time. What the world holds: README.md in this folder.
// For payments that are dated now and arrive at a steady rate see live_simulator.h. One object, one
// thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "simulator/fraud_planner.h"
#include "simulator/simulated_payment.h"

namespace paywarden {

struct SimulatorOptions {
  uint64_t seed = 1;
  uint32_t customers = 5'000;  // 1 to 5,000,000; about 40 bytes each
  uint32_t merchants = 2'000;  // 100 to 1,000,000; about 120 bytes each
  EventTime start{
      1'767'225'600'000};  // 2026-01-01T00:00:00Z; the first day begins at this midnight (UTC)
  double payments_per_day_per_customer = 1.5;  // 0.01 to 50, the mean; a European card sees 1 to 2
  double fraud_share = 0.005;      // 0 to 0.2 of the payments; portfolios see 0.0005 to 0.005
  std::string id_prefix = "sim-";  // at most 32 of [A-Za-z0-9._-]; two streams must not share one
};
// The first option that is out of its range.
Status check(const SimulatorOptions& options);

class Simulator {
 public:
  static Result<Simulator> create(const SimulatorOptions& options);

  // The next payment. Its text points into the simulator, which must outlive it.
  void next(SimulatedPayment& out);
  const World& world() const { return parts_->world; }
  // The world as the stream leaves it (stolen cards replaced), for a LiveSimulator that goes on
  // from here.
  World take_world() &&;

 private:
  struct Parts {  // on the heap: they refer to each other, and the simulator may be moved
    explicit Parts(const SimulatorOptions& options);
    std::string id_prefix;
    World world;
    Habits habits;
    FraudPlanner frauds;
    Random random;
  };
  explicit Simulator(const SimulatorOptions& options);
  void plan_day();
  void plan_customers();
  void order_day(EventTime end);

  std::unique_ptr<Parts> parts_;
  uint64_t seed_;
  int64_t day_;  // the next one to plan, days since 1970
  uint64_t emitted_ = 0;
  std::vector<Planned> planned_;  // of the day, and what reaches into later ones
  std::vector<uint64_t> order_;   // ms within the day << 32 | index in planned_
  size_t at_ = 0;                 // in order_
};

// Fills in what is written out.
void to_simulated(const Planned& planned, const World& world, uint64_t seed, SimulatedPayment& out);

}  // namespace paywarden
