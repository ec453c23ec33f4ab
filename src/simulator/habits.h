// What honest customers do: when they pay, what for, where and how much. Look-alikes of fraud are
// part of it: night workers, trips, new telephones, big purchases, several small payments within
// minutes, bills charged at night.
//
//   Habits habits(world);
//   std::vector<Planned> out;
//   habits.plan_day(random, customer, day, out);      // a whole day, unordered; a few reach into
//   the next one habits.pay(random, customer, time, out);          // one payment at this time, and
//   what follows from it
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "simulator/world.h"

namespace paywarden {

enum class EntryMode : uint8_t { chip, contactless, swipe, ecom };
std::string_view name_of(EntryMode mode);

enum class Scenario : uint8_t {
  none,
  stolen_card,
  card_testing,
  compromised_merchant,
  account_takeover,
};
inline constexpr size_t kScenarios = 5;
std::string_view name_of(Scenario scenario);  // "" for none

// A payment before it is written out; numbers refer to the World.
struct Planned {
  EventTime time;
  uint64_t device = 0;  // 0: none (a plastic card at a terminal)
  uint32_t customer = 0;
  uint32_t card = 0;  // serial number
  uint32_t merchant = 0;
  uint32_t amount_minor = 0;  // in the merchant's currency
  Place place{};              // the home on file; online: where the device is
  EntryMode entry = EntryMode::chip;
  Scenario scenario = Scenario::none;
};

class Habits {
 public:
  explicit Habits(const World& world);  // keeps a reference

  void plan_day(Random& random, uint32_t customer, int64_t day, std::vector<Planned>& out) const;
  void pay(Random& random, uint32_t customer, EventTime time, std::vector<Planned>& out) const;
  // How likely the customer pays in this hour, 0..1 against the busiest hour of anybody.
  double activity(uint32_t customer, EventTime time) const;

  // A payment of this customer with this shop as it would usually be.
  Planned purchase(Random& random, uint32_t customer, uint32_t merchant, EventTime time,
                   double level) const;

 private:
  uint32_t choose_shop(Random& random, uint32_t customer, size_t category, uint8_t city) const;
  void follow_ups(Random& random, const Planned& first, std::vector<Planned>& out) const;
  void subscriptions(Random& random, uint32_t customer, int64_t day,
                     std::vector<Planned>& out) const;

  const World& world_;
  std::vector<Lottery> hours_;       // [persona * 2 + weekend]
  std::vector<Lottery> categories_;  // [persona * kDayparts + daypart]
};

// `level` times the shop's usual price, spread as its category is, with the ending that its prices
// have.
uint32_t draw_amount(Random& random, const Merchant& merchant, double level);

}  // namespace paywarden
