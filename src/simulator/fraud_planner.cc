// The four scenarios, and the budget that starts them.
#include "simulator/fraud_planner.h"

#include <algorithm>
#include <functional>

#include "base/hash.h"

namespace paywarden {
namespace {

constexpr std::array<Scenario, kScenarios - 1> kFrauds = {
    Scenario::stolen_card, Scenario::card_testing, Scenario::compromised_merchant,
    Scenario::account_takeover};
constexpr std::array<double, kScenarios> kFraudShares = {0, 0.25, 0.28, 0.25,
                                                         0.22};  // by Scenario; sum 1
constexpr size_t kCompromisesMax = 64;                           // at a time
constexpr double kHarvestShare = 0.5;  // of the cards that pay at a compromised shop are misused
constexpr int kCasesMaxPerCall = 100'000;  // a bound for worlds whose victims have run out

constexpr uint8_t kCostly[] = {
    category::electronics, category::electronics, category::electronics,   category::jewellery,
    category::jewellery,   category::clothing,    category::clothing,      category::cash,
    category::cash,        category::gift_cards,  category::entertainment, category::fuel};
constexpr uint8_t kTrials[] = {category::digital, category::digital, category::marketplace,
                               category::transport};
constexpr uint8_t kCashOut[] = {category::electronics, category::gift_cards, category::marketplace,
                                category::travel};
constexpr uint8_t kResold[] = {category::electronics, category::clothing, category::marketplace,
                               category::gift_cards,  category::home,     category::groceries};
constexpr uint8_t kTakeover[] = {category::electronics, category::marketplace, category::clothing,
                                 category::travel,      category::gift_cards,  category::digital,
                                 category::jewellery};

}  // namespace

FraudPlanner::FraudPlanner(World& world, const Habits& habits, double share, CasePace pace,
                           uint64_t seed)
    : world_(world),
      habits_(habits),
      pace_(pace),
      random_(hash_combine(seed, 0x6672617564)),
      frauds_per_honest_(share / (1 - share)) {
  for (Scenario scenario : kFrauds)  // or every stream would begin with four cases at once
    budget_[static_cast<size_t>(scenario)] = -4 * random_.unit();
}

void FraudPlanner::earn(double honest_payments) {
  for (size_t i = 0; i < kScenarios; ++i)
    budget_[i] += honest_payments * frauds_per_honest_ * kFraudShares[i];
}

void FraudPlanner::start_cases(EventTime from, Duration span, std::vector<Planned>& out) {
  for (Scenario scenario : kFrauds) {
    if (scenario == Scenario::compromised_merchant)
      continue;  // honest payments start these: watch()
    double& budget = budget_[static_cast<size_t>(scenario)];
    for (int cases = 0; budget > 0 && cases < kCasesMaxPerCall; ++cases) {
      int frauds = plan_case(scenario, draw_begin(scenario, from, span), out);
      if (frauds == 0) break;  // nobody left to rob
      budget -= frauds;
    }
  }
}

int FraudPlanner::plan_case(Scenario scenario, EventTime begin, std::vector<Planned>& out) {
  switch (scenario) {
    case Scenario::stolen_card:
      return plan_stolen_card(begin, out);
    case Scenario::card_testing:
      return plan_card_testing(begin, out);
    case Scenario::account_takeover:
      return plan_account_takeover(begin, out);
    case Scenario::compromised_merchant:
    case Scenario::none:
      return 0;
  }
  return 0;
}

EventTime FraudPlanner::draw_begin(Scenario scenario, EventTime from, Duration span) {
  EventTime begin = from + milliseconds(random_.between(0, span.ms() - 1));
  bool at_night = scenario == Scenario::stolen_card && span == days(1) && random_.chance(0.6);
  if (!at_night) return begin;
  int64_t since_nine = random_.between(0, hours(8).ms() - 1);  // 21:00 to 05:00
  return from + milliseconds((since_nine + hours(21).ms()) % days(1).ms());
}

Duration FraudPlanner::gap(int64_t low_s, int64_t high_s) {
  return milliseconds(random_.between(low_s * 1000, high_s * 1000) / pace_.gap_divisor);
}

Duration FraudPlanner::delay(int64_t low_s, int64_t high_s) {
  return milliseconds(random_.between(low_s * 1000, high_s * 1000) / pace_.delay_divisor);
}

bool FraudPlanner::draw_victim(uint32_t& customer) {
  for (int tries = 0; tries < 32; ++tries) {
    customer = static_cast<uint32_t>(random_.below(world_.customers().size()));
    if (!world_.customer(customer).case_open) return true;
  }
  return false;
}

uint32_t FraudPlanner::draw_shop(std::span<const uint8_t> kinds, bool online, uint8_t city) {
  for (;;) {
    uint8_t kind = kinds[random_.below(kinds.size())];
    auto shops = online ? world_.online_shops(kind) : world_.shops(kind, city);
    if (!shops.empty()) return World::any(random_, shops);
  }
}

// Somebody elsewhere, or hidden behind an address near the victim's home.
FraudPlanner::Intruder FraudPlanner::draw_intruder(uint32_t victim, double near_share) {
  bool near = random_.chance(near_share);
  uint8_t city = near ? world_.customer(victim).city : world_.draw_home_city(random_);
  Place place = world_.merchant(World::any(random_, world_.shops(category::groceries, city))).place;
  return {random_.next() | 1, place};
}

void FraudPlanner::add(Planned payment, Scenario scenario, const Intruder* intruder,
                       std::vector<Planned>& out) {
  payment.scenario = scenario;
  if (intruder && payment.entry == EntryMode::ecom) {
    payment.device = intruder->device;
    payment.place = intruder->place;
  }
  if (payment.entry != EntryMode::ecom) {
    payment.device = 0;  // the plastic, or a copy of it: never the victim's telephone
    if (scenario == Scenario::compromised_merchant) payment.entry = EntryMode::swipe;
    if (payment.amount_minor > 5'000 && random_.chance(0.2)) payment.entry = EntryMode::swipe;
  }
  out.push_back(payment);
}

void FraudPlanner::close_case(uint32_t customer, EventTime last_fraud) {
  world_.open_case(customer);
  replacements_.push_back({last_fraud + delay(4 * 3600, 72 * 3600), customer});
  std::push_heap(replacements_.begin(), replacements_.end(), std::greater<>());
}

void FraudPlanner::replace_cards(EventTime until) {
  while (!replacements_.empty() && replacements_.front().time <= until) {
    world_.replace_card(replacements_.front().customer);
    std::pop_heap(replacements_.begin(), replacements_.end(), std::greater<>());
    replacements_.pop_back();
  }
}

int FraudPlanner::plan_stolen_card(EventTime begin, std::vector<Planned>& out) {
  uint32_t victim;
  if (!draw_victim(victim)) return 0;
  uint8_t city = world_.city_on(victim, day_of(begin));
  if (random_.chance(0.25)) city = world_.draw_city_nearby(random_, city);
  auto count = static_cast<int>(random_.between(2, 7));
  EventTime time = begin;
  for (int i = 0; i < count; ++i) {
    uint32_t shop = draw_shop(kCostly, false, city);
    add(habits_.purchase(random_, victim, shop, time, 0.7 + random_.unit()), Scenario::stolen_card,
        nullptr, out);
    time = time + gap(6 * 60, 70 * 60);
  }
  close_case(victim, time);
  return count;
}

// One crew tries a few cards from one device.
int FraudPlanner::plan_card_testing(EventTime begin, std::vector<Planned>& out) {
  int frauds = 0;
  Intruder intruder{};
  for (int64_t cards = random_.between(1, 3); cards > 0; --cards) {
    uint32_t victim;
    if (!draw_victim(victim)) return frauds;
    if (frauds == 0) intruder = draw_intruder(victim, 0.3);
    frauds += test_card(victim, intruder, begin, out);
    begin = begin + gap(60, 1200);
  }
  return frauds;
}

int FraudPlanner::test_card(uint32_t victim, const Intruder& intruder, EventTime begin,
                            std::vector<Planned>& out) {
  uint32_t trial_shop = draw_shop(kTrials, true, 0);
  auto trials = static_cast<int>(random_.between(3, 7));
  EventTime time = begin;
  for (int i = 0; i < trials; ++i) {
    Planned trial = habits_.purchase(random_, victim, trial_shop, time, 1);
    trial.amount_minor = static_cast<uint32_t>(random_.chance(0.1) ? 0 : random_.between(50, 599));
    add(trial, Scenario::card_testing, &intruder, out);
    time = time + gap(6, 110);
    if (random_.chance(0.3)) trial_shop = draw_shop(kTrials, true, 0);
  }
  int large = random_.chance(0.7) ? static_cast<int>(random_.between(1, 2)) : 0;
  for (int i = 0; i < large; ++i) {
    time = time + gap(3 * 60, 50 * 60);
    uint32_t shop = draw_shop(kCashOut, true, 0);
    add(habits_.purchase(random_, victim, shop, time, 1.2 + 1.5 * random_.unit()),
        Scenario::card_testing, &intruder, out);
  }
  close_case(victim, time);
  return trials + large;
}

// The account's own habits at first, then what sells: the amounts are the owner's, several times
// over.
int FraudPlanner::plan_account_takeover(EventTime begin, std::vector<Planned>& out) {
  uint32_t victim;
  if (!draw_victim(victim)) return 0;
  Intruder intruder = draw_intruder(victim, 0.2);
  auto count = static_cast<int>(random_.between(2, 6));
  double level = static_cast<double>(world_.customer(victim).level);
  EventTime time = begin;
  for (int i = 0; i < count; ++i) {
    uint8_t kind = kTakeover[random_.below(std::size(kTakeover))];
    auto shops = world_.online_shops(kind);
    uint32_t shop = random_.chance(0.35) ? world_.favourite(victim, shops, kind, 0)
                                         : World::any(random_, shops);
    double times = i == 0 ? 1 : 1 + 2.5 * random_.unit();
    add(habits_.purchase(random_, victim, shop, time, level * times), Scenario::account_takeover,
        &intruder, out);
    time = time + gap(3 * 60, 150 * 60);
  }
  close_case(victim, time);
  return count;
}

bool FraudPlanner::may_compromise() const {
  return budget_[static_cast<size_t>(Scenario::compromised_merchant)] > 0 &&
         compromises_.size() < kCompromisesMax;
}

void FraudPlanner::watch(const Planned& honest, std::vector<Planned>& out) {
  end_compromises(honest.time);
  if (may_compromise() && random_.chance(0.01)) start_compromise(honest);
  for (Compromise& source : compromises_) {
    if (source.merchant != honest.merchant || source.quota <= 0) continue;
    bool open = world_.customer(honest.customer).case_open;
    if (!open && random_.chance(kHarvestShare)) source.quota -= misuse(source, honest, out);
  }
}

void FraudPlanner::start_compromise(const Planned& honest) {
  if (world_.merchant(honest.merchant).category == category::cash) return;
  Compromise source{honest.merchant,
                    honest.time + delay(86'400, 5 * 86'400),
                    static_cast<int>(random_.between(12, 45)),
                    {}};
  for (uint32_t& fence : source.fences)
    fence = draw_shop(kResold, random_.chance(0.6), world_.draw_home_city(random_));
  budget_[static_cast<size_t>(Scenario::compromised_merchant)] -= source.quota;
  compromises_.push_back(source);
}

void FraudPlanner::end_compromises(EventTime now) {
  auto over = [&](const Compromise& source) {
    bool ends = source.until <= now || source.quota <= 0;
    if (ends) budget_[static_cast<size_t>(Scenario::compromised_merchant)] += source.quota;
    return ends;
  };
  std::erase_if(compromises_, over);
}

// The number, read at one shop, is used days later: on the net, with a copied stripe, sometimes at
// that very shop.
int FraudPlanner::misuse(const Compromise& source, const Planned& honest,
                         std::vector<Planned>& out) {
  uint32_t victim = honest.customer;
  Intruder intruder = draw_intruder(victim, 0.5);
  auto count = static_cast<int>(random_.between(1, 4));
  int64_t wait_s = random_.between(1, 7) * 86'400;  // whole days: shops are open at the same hour
  EventTime time = honest.time + delay(wait_s, wait_s) + gap(0, 90 * 60);
  for (int i = 0; i < count; ++i) {
    uint32_t shop = source.fences[random_.below(source.fences.size())];
    if (random_.chance(0.5))
      shop = draw_shop(kResold, random_.chance(0.6), world_.customer(victim).city);
    if (random_.chance(0.1)) shop = source.merchant;
    add(habits_.purchase(random_, victim, shop, time, 0.6 + random_.unit()),
        Scenario::compromised_merchant, &intruder, out);
    time = time + delay(10 * 60, 26 * 3600);
  }
  close_case(victim, time);
  return count;
}

}  // namespace paywarden
