// What fraudsters do: four scenarios, each a case with one victim or a few, planned ahead of time.
// How many cases begin is a budget: honest payments earn it, planned frauds spend it, so the share
// holds over time while single days differ. README.md describes the scenarios.
//
//   FraudPlanner planner(world, habits, 0.005, {}, seed);
//   planner.replace_cards(day_begin);                    // stolen cards found by now
//   planner.watch(random_honest_payment, out);           // each one: its shop may be a compromised
//   one planner.earn(7'500);  planner.start_cases(day_begin, days(1), out);
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "simulator/habits.h"

namespace paywarden {

// How much faster than in life cases run; a live demonstration has no days to wait.
struct CasePace {
  int64_t gap_divisor = 1;    // between the payments of one case
  int64_t delay_divisor = 1;  // until stolen data is misused, until a stolen card is replaced
};

class FraudPlanner {
 public:
  // `share`: frauds among all payments. Keeps references to the world and the habits.
  FraudPlanner(World& world, const Habits& habits, double share, CasePace pace, uint64_t seed);

  void earn(double honest_payments);
  // Starts cases that begin in [from, from + span) until the budget is spent. A case may last for
  // hours beyond.
  void start_cases(EventTime from, Duration span, std::vector<Planned>& out);
  void watch(const Planned& honest, std::vector<Planned>& out);
  void replace_cards(EventTime until);

 private:
  struct Compromise {
    uint32_t merchant;
    EventTime until;
    int quota;                       // misuses left
    std::array<uint32_t, 3> fences;  // shops where the stolen numbers are turned into goods
  };
  struct Replacement {
    EventTime time;
    uint32_t customer;
    bool operator>(const Replacement& other) const {
      return time != other.time ? time > other.time : customer > other.customer;
    }
  };
  struct Intruder {
    uint64_t device;
    Place place;
  };

  bool draw_victim(uint32_t& customer);
  EventTime draw_begin(Scenario scenario, EventTime from, Duration span);
  Duration gap(int64_t low_s, int64_t high_s);
  Duration delay(int64_t low_s, int64_t high_s);
  uint32_t draw_shop(std::span<const uint8_t> categories, bool online, uint8_t city);
  Intruder draw_intruder(uint32_t victim, double near_share);

  int plan_case(Scenario scenario, EventTime begin, std::vector<Planned>& out);
  int plan_stolen_card(EventTime begin, std::vector<Planned>& out);
  int plan_card_testing(EventTime begin, std::vector<Planned>& out);
  int test_card(uint32_t victim, const Intruder& intruder, EventTime begin,
                std::vector<Planned>& out);
  int plan_account_takeover(EventTime begin, std::vector<Planned>& out);
  bool may_compromise() const;
  void start_compromise(const Planned& honest);
  void end_compromises(EventTime now);
  int misuse(const Compromise& source, const Planned& honest, std::vector<Planned>& out);
  void add(Planned payment, Scenario scenario, const Intruder* intruder, std::vector<Planned>& out);
  void close_case(uint32_t customer, EventTime last_fraud);

  World& world_;
  const Habits& habits_;
  CasePace pace_;
  Random random_;
  double frauds_per_honest_;
  std::array<double, kScenarios> budget_{};  // frauds still to plan; below zero: planned ahead
  std::vector<Compromise> compromises_;
  std::vector<Replacement> replacements_;  // a heap, the earliest first
};

}  // namespace paywarden
