// Draws honest payments: an hour by the customer's day, a category by the hour, a shop by habit, an
// amount by the shop.
#include "simulator/habits.h"

#include <algorithm>

namespace paywarden {
namespace {

enum Purpose : uint64_t { kTraitWallet = 1, kTraitSecondDevice = 2, kTraitSubscription = 16 };

constexpr int64_t kHourMs = hours(1).ms();
constexpr double kWeekdayFactor[7] = {0.92, 0.94, 0.97, 1.00,
                                      1.15, 1.20, 0.82};  // Monday first; mean 1
constexpr double kFavouriteShare = 0.75;
constexpr double kElsewhereShare = 0.04;     // a day out in another city
constexpr double kBigPurchaseShare = 0.004;  // 3 to 9 times the usual
constexpr double kFreeTrialShare = 0.02;  // of digital goods: the card is checked, nothing is paid
constexpr double kWalletShare = 0.4;      // of the customers pay with a telephone at terminals
constexpr uint32_t kContactlessMaxMinor = 5'000;  // beyond it the card is inserted
constexpr uint32_t kAmountMinorMax = 2'000'000;   // 20,000.00: cards have limits

bool is_weekend(int64_t day) {
  return weekday_of(day_start(day)) >= 5;
}

int local_hour(EventTime time, const City& city) {
  return (hour_of(time) + city.utc_offset + 24) % 24;
}

uint32_t round_price(double cents, PriceEnding ending) {
  auto whole = static_cast<uint32_t>(std::clamp(cents, 20.0, static_cast<double>(kAmountMinorMax)));
  switch (ending) {
    case PriceEnding::cents:
      return whole;
    case PriceEnding::tens_of_cents:
      return (whole + 5) / 10 * 10;
    case PriceEnding::ninety_nine:
      return whole / 100 * 100 + 99;
    case PriceEnding::tens:
      return std::max(1u, (whole + 500) / 1000) * 1000;
  }
  return whole;
}

EntryMode entry_at_terminal(Random& random, const Merchant& shop, uint32_t amount_minor) {
  if (shop.category == category::cash) return EntryMode::chip;
  if (random.chance(shop.charges_usd ? 0.30 : 0.03)) return EntryMode::swipe;
  double contactless = amount_minor <= kContactlessMaxMinor ? 0.85 : 0.25;
  return random.chance(contactless) ? EntryMode::contactless : EntryMode::chip;
}

bool leads_to_another(size_t c) {
  using namespace category;
  return c == clothing || c == electronics || c == jewellery || c == home || c == entertainment ||
         c == groceries;
}

}  // namespace

std::string_view name_of(EntryMode mode) {
  switch (mode) {
    case EntryMode::chip:
      return "chip";
    case EntryMode::contactless:
      return "contactless";
    case EntryMode::swipe:
      return "swipe";
    case EntryMode::ecom:
      return "ecom";
  }
  return "";
}

std::string_view name_of(Scenario scenario) {
  switch (scenario) {
    case Scenario::none:
      return "";
    case Scenario::stolen_card:
      return "stolen_card";
    case Scenario::card_testing:
      return "card_testing";
    case Scenario::compromised_merchant:
      return "compromised_merchant";
    case Scenario::account_takeover:
      return "account_takeover";
  }
  return "";
}

uint32_t draw_amount(Random& random, const Merchant& shop, double level) {
  const Category& kind = categories()[shop.category];
  double cents = kind.price * 100 * static_cast<double>(shop.level) * level;
  return round_price(cents * log_normal(random, kind.sigma), kind.ending);
}

Habits::Habits(const World& world) : world_(world) {
  for (const Persona& persona : personas()) {
    for (const HourCurve* curve : {persona.work_day, persona.weekend}) {
      std::vector<double> weights(curve->begin(), curve->end());
      hours_.emplace_back(weights);
    }
    for (size_t part = 0; part < kDayparts; ++part) {
      std::vector<double> weights;
      for (size_t c = 0; c < kCategories; ++c)
        weights.push_back(categories()[c].base_weight * static_cast<double>(persona.taste[c]) *
                          daypart_factor(c, static_cast<Daypart>(part)));
      categories_.emplace_back(weights);
    }
  }
}

void Habits::plan_day(Random& random, uint32_t customer, int64_t day,
                      std::vector<Planned>& out) const {
  const Customer& who = world_.customer(customer);
  int weekday = weekday_of(day_start(day));
  subscriptions(random, customer, day, out);
  int count = poisson(random, static_cast<double>(who.frequency) * kWeekdayFactor[weekday]);
  if (count == 0) return;
  const Lottery& hours_of_day = hours_[who.persona * 2u + (weekday >= 5)];
  int offset = cities()[world_.city_on(customer, day)].utc_offset;
  for (int i = 0; i < count; ++i) {
    auto hour = static_cast<int64_t>(hours_of_day.draw(random));
    int64_t in_day = (hour - offset + 24) % 24 * kHourMs + random.between(0, kHourMs - 1);
    pay(random, customer, EventTime(day * days(1).ms() + in_day), out);
  }
}

double Habits::activity(uint32_t customer, EventTime time) const {
  const Persona& persona = personas()[world_.customer(customer).persona];
  int64_t day = day_of(time);
  const HourCurve& curve = is_weekend(day) ? *persona.weekend : *persona.work_day;
  return curve[static_cast<size_t>(local_hour(time, cities()[world_.city_on(customer, day)]))] /
         13.0;
}

void Habits::pay(Random& random, uint32_t customer, EventTime time,
                 std::vector<Planned>& out) const {
  const Customer& who = world_.customer(customer);
  uint8_t city = world_.city_on(customer, day_of(time));
  auto part = static_cast<size_t>(daypart_of(local_hour(time, cities()[city])));
  if (city == who.city && random.chance(kElsewhereShare))
    city = world_.draw_city_nearby(random, city);
  size_t kind = categories_[who.persona * kDayparts + part].draw(random);
  double level = static_cast<double>(who.level);
  if (random.chance(kBigPurchaseShare)) level *= 3 + 6 * random.unit();
  Planned payment =
      purchase(random, customer, choose_shop(random, customer, kind, city), time, level);
  if (kind == category::digital && random.chance(kFreeTrialShare)) payment.amount_minor = 0;
  out.push_back(payment);
  follow_ups(random, payment, out);
}

uint32_t Habits::choose_shop(Random& random, uint32_t customer, size_t kind, uint8_t city) const {
  const Customer& who = world_.customer(customer);
  double online_share = categories()[kind].online_share * personas()[who.persona].online_factor;
  bool online = categories()[kind].online_share >= 1 || random.chance(std::min(online_share, 0.95));
  auto shops = online ? world_.online_shops(kind) : world_.shops(kind, city);
  if (city != who.city && !online) return World::any(random, shops);
  if (!random.chance(kFavouriteShare)) return World::any(random, shops);
  auto slot = static_cast<uint32_t>(std::min(random.below(4), random.below(4)));
  return world_.favourite(customer, shops, kind, slot);
}

Planned Habits::purchase(Random& random, uint32_t customer, uint32_t merchant, EventTime time,
                         double level) const {
  const Customer& who = world_.customer(customer);
  const Merchant& shop = world_.merchant(merchant);
  Planned payment{.time = time, .customer = customer, .card = who.card, .merchant = merchant};
  payment.amount_minor = draw_amount(random, shop, level);
  payment.place = who.home;
  int64_t day = day_of(time);
  if (!shop.online) {
    payment.entry = entry_at_terminal(random, shop, payment.amount_minor);
    bool wallet =
        static_cast<double>(world_.trait(customer, kTraitWallet) % 100) < kWalletShare * 100;
    if (payment.entry == EntryMode::contactless && wallet)
      payment.device = world_.device_on(customer, day, false);
    return payment;
  }
  payment.entry = EntryMode::ecom;
  bool second = world_.trait(customer, kTraitSecondDevice) % 2 == 0 && random.chance(0.35);
  payment.device = world_.device_on(customer, day, second);
  uint8_t city = world_.city_on(customer, day);
  if (city != who.city)  // the telephone is where its owner is
    payment.place = world_
                        .merchant(world_.favourite(customer, world_.shops(category::hotels, city),
                                                   category::hotels, 0))
                        .place;
  return payment;
}

// A walk through town, or one more thing bought in a game: bursts that are no fraud.
void Habits::follow_ups(Random& random, const Planned& first, std::vector<Planned>& out) const {
  const Merchant& shop = world_.merchant(first.merchant);
  double level = static_cast<double>(world_.customer(first.customer).level);
  if (shop.category == category::digital && random.chance(0.15)) {
    EventTime time = first.time;
    for (int64_t i = random.between(1, 5); i > 0; --i) {
      time = time + milliseconds(random.between(8'000, 200'000));
      out.push_back(purchase(random, first.customer, first.merchant, time, level * 0.5));
    }
  } else if (!shop.online && leads_to_another(shop.category) && random.chance(0.15)) {
    constexpr uint8_t kNext[] = {category::cafes,     category::clothing,   category::restaurants,
                                 category::groceries, category::gift_cards, category::electronics};
    EventTime time = first.time + milliseconds(random.between(240'000, 3'600'000));
    uint32_t next =
        World::any(random, world_.shops(kNext[random.below(std::size(kNext))], shop.city));
    out.push_back(purchase(random, first.customer, next, time, level));
  }
}

// Up to three bills a month, always the same amount at the same shop, charged at night.
void Habits::subscriptions(Random& random, uint32_t customer, int64_t day,
                           std::vector<Planned>& out) const {
  uint64_t traits = world_.trait(customer, kTraitSubscription);
  int day_of_month = date_of(day_start(day)).day;
  for (uint64_t i = 0; i < (traits & 3); ++i) {
    if (static_cast<int>(traits >> (8 + 8 * i) & 0xff) % 28 + 1 != day_of_month) continue;
    uint32_t shop = world_.favourite(customer, world_.online_shops(category::digital),
                                     category::digital, static_cast<uint32_t>(i));
    EventTime time(day * days(1).ms() + random.between(0, 5 * kHourMs));
    Planned bill = purchase(random, customer, shop, time, 1);
    bill.amount_minor = static_cast<uint32_t>(399 + 100 * (traits >> (32 + 8 * i) & 15));
    out.push_back(bill);
  }
}

}  // namespace paywarden
