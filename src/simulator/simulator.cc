// Plans one day at a time, orders it, and hands it out payment by payment.
#include "simulator/simulator.h"

#include <algorithm>

#include "base/hash.h"

namespace paywarden {
namespace {

bool is_id_prefix(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return text.size() <= 32 && std::all_of(text.begin(), text.end(), allowed);
}

WorldOptions world_options(const SimulatorOptions& options) {
  return {options.seed, options.customers, options.merchants,
          options.payments_per_day_per_customer};
}

}  // namespace

Status check(const SimulatorOptions& options) {
  double frequency = options.payments_per_day_per_customer;
  if (options.customers < 1 || options.customers > 5'000'000)
    return fail("simulated customers must be 1 to 5,000,000");
  if (options.merchants < 100 || options.merchants > 1'000'000)
    return fail("simulated merchants must be 100 to 1,000,000");
  if (!(frequency >= 0.01 && frequency <= 50))
    return fail("simulated payments a day and customer must be 0.01 to 50");
  if (!(options.fraud_share >= 0 && options.fraud_share <= 0.2))
    return fail("the simulated fraud share must be 0 to 0.2");
  if (!is_id_prefix(options.id_prefix))
    return fail(
        "the id prefix of simulated payments must be at most 32 letters, digits, '.', '_' or '-'");
  if (options.start < EventTime(0) || options.start > EventTime(days(80'000).ms()))
    return fail("simulated payments must start between 1970 and 2189");
  return {};
}

Simulator::Parts::Parts(const SimulatorOptions& options)
    : id_prefix(options.id_prefix),
      world(world_options(options)),
      habits(world),
      frauds(world, habits, options.fraud_share, CasePace{}, options.seed),
      random(hash_combine(options.seed, 0x64617973)) {}

Simulator::Simulator(const SimulatorOptions& options)
    : parts_(std::make_unique<Parts>(options)), seed_(options.seed), day_(day_of(options.start)) {}

Result<Simulator> Simulator::create(const SimulatorOptions& options) {
  TRY(check(options));
  return Simulator(options);
}

void Simulator::next(SimulatedPayment& out) {
  while (at_ == order_.size()) plan_day();
  to_simulated(planned_[static_cast<uint32_t>(order_[at_++])], parts_->world, seed_, out);
  out.number = ++emitted_;
  out.id_prefix = parts_->id_prefix;
}

void Simulator::plan_day() {
  EventTime begin = day_start(day_);
  std::erase_if(planned_,
                [&](const Planned& p) { return p.time < begin; });  // handed out yesterday
  parts_->frauds.replace_cards(begin);
  size_t carried = planned_.size();
  plan_customers();
  size_t honest_end = planned_.size();
  double quiet_or_busy = 0.25 + 1.5 * parts_->random.unit();  // frauds come in waves; mean 1
  parts_->frauds.earn(static_cast<double>(honest_end - carried) * quiet_or_busy);
  for (size_t i = carried; i < honest_end; ++i) {
    Planned honest = planned_[i];  // a copy: what follows may move the vector
    parts_->frauds.watch(honest, planned_);
  }
  parts_->frauds.start_cases(begin, days(1), planned_);
  order_day(begin + days(1));
  ++day_;
}

void Simulator::plan_customers() {
  auto count = static_cast<uint32_t>(parts_->world.customers().size());
  for (uint32_t i = 0; i < count; ++i) parts_->habits.plan_day(parts_->random, i, day_, planned_);
}

void Simulator::order_day(EventTime end) {
  order_.clear();
  at_ = 0;
  EventTime begin = end - days(1);
  for (size_t i = 0; i < planned_.size(); ++i)
    if (planned_[i].time < end)
      order_.push_back(static_cast<uint64_t>((planned_[i].time - begin).ms()) << 32 | i);
  std::sort(order_.begin(), order_.end());
}

World Simulator::take_world() && {
  World world = std::move(parts_->world);
  world.close_cases();
  return world;
}

void to_simulated(const Planned& planned, const World& world, uint64_t seed,
                  SimulatedPayment& out) {
  out.event_time = planned.time;
  write_pan(planned.card, seed, out.pan.data());
  out.merchant = &world.merchant(planned.merchant);
  out.customer = planned.customer;
  out.amount_minor = planned.amount_minor;
  out.place = planned.place;
  out.device = planned.device;
  out.entry = planned.entry;
  out.scenario = planned.scenario;
}

}  // namespace paywarden
