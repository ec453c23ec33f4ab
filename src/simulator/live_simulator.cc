// Merges a steady stream of honest payments with the cases that are under way.
#include "simulator/live_simulator.h"

#include <algorithm>

#include "base/hash.h"

namespace paywarden {
namespace {

constexpr int kCustomerTries = 64;  // at night few customers are awake
constexpr Duration kCasesBeginWithin = seconds(2);

bool later(const Planned& a, const Planned& b) {
  return a.time != b.time ? a.time > b.time : a.customer > b.customer;
}

WorldOptions world_options(const SimulatorOptions& options) {
  return {options.seed, options.customers, options.merchants,
          options.payments_per_day_per_customer};
}

Status check_live(const LiveSimulatorOptions& options) {
  TRY(check(options.world));
  if (!(options.payments_per_second >= 0.01 && options.payments_per_second <= 100'000))
    return fail("simulated payments a second must be 0.01 to 100,000");
  if (options.pace.gap_divisor < 1 || options.pace.delay_divisor < 1)
    return fail("the pace of simulated cases must be 1 or more");
  return {};
}

}  // namespace

LiveSimulator::Parts::Parts(const LiveSimulatorOptions& options, World made)
    : id_prefix(options.world.id_prefix),
      world(std::move(made)),
      habits(world),
      frauds(world, habits, options.world.fraud_share, options.pace, options.world.seed),
      random(hash_combine(options.world.seed, 0x6c697665)) {}

LiveSimulator::LiveSimulator(const LiveSimulatorOptions& options, World world)
    : parts_(std::make_unique<Parts>(options, std::move(world))),
      options_(options),
      activity_scale_(1 / (4 * options.world.payments_per_day_per_customer)) {}

Result<LiveSimulator> LiveSimulator::create(const LiveSimulatorOptions& options) {
  TRY(check_live(options));
  return LiveSimulator(options, World(world_options(options.world)));
}

Result<LiveSimulator> LiveSimulator::create(const LiveSimulatorOptions& options, World world) {
  TRY(check_live(options));
  return LiveSimulator(options, std::move(world));
}

void LiveSimulator::next(SimulatedPayment& out) {
  double since_ms = static_cast<double>(emitted_) * 1000 / options_.payments_per_second;
  EventTime due = options_.world.start + milliseconds(static_cast<int64_t>(since_ms));
  parts_->frauds.replace_cards(due);
  Planned planned = next_planned(due);
  if (planned.scenario == Scenario::none) parts_->frauds.earn(1);
  to_simulated(planned, parts_->world, options_.world.seed, out);
  out.event_time = due;
  out.number = ++emitted_;
  out.id_prefix = parts_->id_prefix;
}

Planned LiveSimulator::next_planned(EventTime due) {
  if (pending_.empty() || pending_.front().time > due) return honest_payment(due);
  std::pop_heap(pending_.begin(), pending_.end(), later);
  Planned planned = pending_.back();
  pending_.pop_back();
  return planned;
}

Planned LiveSimulator::honest_payment(EventTime due) {
  fresh_.clear();
  parts_->habits.pay(parts_->random, draw_customer(due), due, fresh_);
  Planned honest = fresh_.front();
  parts_->frauds.watch(honest, fresh_);
  parts_->frauds.start_cases(due, kCasesBeginWithin, fresh_);
  keep_fresh(1);
  return honest;
}

void LiveSimulator::keep_fresh(size_t from) {
  for (size_t i = from; i < fresh_.size(); ++i) {
    pending_.push_back(fresh_[i]);
    std::push_heap(pending_.begin(), pending_.end(), later);
  }
}

uint32_t LiveSimulator::draw_customer(EventTime due) {
  const World& world = parts_->world;
  uint32_t customer = 0;
  for (int tries = 0; tries < kCustomerTries; ++tries) {
    customer = static_cast<uint32_t>(parts_->random.below(world.customers().size()));
    double frequency = static_cast<double>(world.customer(customer).frequency) * activity_scale_;
    if (parts_->random.chance(parts_->habits.activity(customer, due) * frequency)) break;
  }
  return customer;
}

}  // namespace paywarden
