// Builds the world: homes by the size of cities, shops by category and place, and the indices
// between them.
#include "simulator/world.h"

#include <algorithm>

#include "base/check.h"
#include "base/hash.h"

namespace paywarden {
namespace {

enum Purpose : uint64_t { kTraitTrip = 1 << 20, kTraitDevice = 2 << 20, kTraitFavourite = 3 << 20 };

constexpr int64_t kTripBlockDays = 14;  // at most one trip in each
constexpr double kUsdOnlineShare =
    0.06;  // of the online shops: together with trips about 3 % of the payments
constexpr double kHomeScatter = 0.09;  // degrees around the city's centre
constexpr double kShopScatter = 0.05;
constexpr double kFrequencySigma = 0.5, kFrequencyMean = 1.1331;  // mean of exp(0.5 * normal)
constexpr double kFollowUpShare =
    0.90;  // of the payments that are planned, the others follow from them

constexpr std::string_view kNames[] = {"Linden", "Hansa",  "Delta", "Nova",   "Corner", "Alpina",
                                       "Aurora", "Merkur", "Solar", "Castor", "Rialto", "Baltic",
                                       "Iberia", "Gallia", "Orion", "Helios", "Vega",   "Tilia",
                                       "Centro", "Porta",  "Prima", "Quadra", "Rivoli", "Fontana"};
constexpr std::array<std::string_view, kCategories> kNouns = {
    "Market",   "Fuel",  "Kitchen", "Cafe",  "Transit", "Pharmacy", "Fashion",  "Electro", "Jewels",
    "Interior", "Stage", "Travel",  "Hotel", "Apps",    "Bazaar",   "Giftcard", "Clinic",  "Bank"};

int32_t e4(double degrees) {
  return static_cast<int32_t>(degrees * 10'000);
}

Place scatter(const City& city, double degrees, Random& random) {
  double north = (random.unit() + random.unit() - 1) * degrees;
  double east =
      (random.unit() + random.unit() - 1) * degrees * 1.5;  // meridians converge: 1.5 at 48 degrees
  return {e4(city.latitude + north), e4(city.longitude + east)};
}

template <typename Weight>
Lottery city_lottery(Weight weight) {
  std::vector<double> weights;
  for (const City& city : cities()) weights.push_back(weight(city));
  return Lottery(weights);
}

Lottery persona_lottery() {
  std::vector<double> weights;
  for (const Persona& persona : personas()) weights.push_back(persona.share);
  return Lottery(weights);
}

uint8_t draw_us_city(Random& random) {
  size_t index = random.below(cities().size());
  while (cities()[index].country != "US") index = random.below(cities().size());
  return static_cast<uint8_t>(index);
}

}  // namespace

World::World(const WorldOptions& options)
    : seed_(options.seed),
      home_cities_(city_lottery([](const City& city) { return city.people; })),
      trip_cities_(city_lottery([](const City& city) { return city.visitors; })) {
  Random random(hash_combine(options.seed, 0x776f726c64));
  add_merchants(options.merchants, random);
  index_shops();
  add_customers(options, random);
}

void World::add_customers(const WorldOptions& options, Random& random) {
  Lottery persona = persona_lottery();
  double base = options.payments_per_day_per_customer * kFollowUpShare / kFrequencyMean;
  customers_.reserve(options.customers);
  for (uint32_t i = 0; i < options.customers; ++i) {
    Customer customer{};
    customer.persona = static_cast<uint8_t>(persona.draw(random));
    customer.city = draw_home_city(random);
    customer.home = scatter(cities()[customer.city], kHomeScatter, random);
    customer.frequency = static_cast<float>(base * personas()[customer.persona].frequency *
                                            log_normal(random, kFrequencySigma));
    customer.level = static_cast<float>(log_normal(random, 0.4));
    customer.card = cards_issued_++;
    customers_.push_back(customer);
  }
}

// First one shop of each kind, so that every category can be bought; the rest by the table's
// shares.
void World::add_merchants(uint32_t count, Random& random) {
  std::vector<double> shares;
  merchants_.reserve(count);
  for (size_t c = 0; c < kCategories; ++c) {
    const Category& kind = categories()[c];
    shares.push_back(kind.shops);
    if (kind.online_share < 1) add_merchant(c, false, draw_home_city(random), random);
    if (kind.online_share > 0) add_merchant(c, true, draw_home_city(random), random);
  }
  Lottery kinds(shares);
  Lottery anywhere = city_lottery([](const City& city) { return city.people + city.visitors; });
  while (merchants_.size() < count) {
    size_t c = kinds.draw(random);
    bool online = random.chance(categories()[c].online_share);
    bool american = online && random.chance(kUsdOnlineShare);
    auto city = static_cast<uint8_t>(american ? draw_us_city(random) : anywhere.draw(random));
    if (online && !american && cities()[city].people == 0) city = draw_home_city(random);
    add_merchant(c, online, city, random);
  }
}

void World::add_merchant(size_t c, bool online, uint8_t city, Random& random) {
  const City& seat = cities()[city];
  Merchant merchant{};
  merchant.name = std::string(kNames[random.below(std::size(kNames))]) + " " +
                  std::string(kNouns[c]) + " " + (online ? "Online" : std::string(seat.name)) +
                  " " + std::to_string(merchants_.size() + 1);
  merchant.place = scatter(seat, kShopScatter, random);
  merchant.level = static_cast<float>(log_normal(random, 0.35));
  merchant.category = static_cast<uint8_t>(c);
  merchant.city = city;
  merchant.online = online;
  merchant.charges_usd = seat.country == "US";
  merchants_.push_back(std::move(merchant));
}

void World::index_shops() {
  const size_t count = cities().size();
  local_.resize(kCategories * count);
  online_.resize(kCategories);
  for (uint32_t i = 0; i < merchants_.size(); ++i) {
    const Merchant& merchant = merchants_[i];
    (merchant.online ? online_[merchant.category]
                     : local_[merchant.category * count + merchant.city])
        .push_back(i);
  }
  nearest_.resize(local_.size());
  for (size_t c = 0; c < kCategories; ++c)
    for (size_t city = 0; city < count; ++city)
      nearest_[c * count + city] = nearest_city_with(c, static_cast<uint8_t>(city));
}

uint8_t World::nearest_city_with(size_t c, uint8_t city) const {
  double best = 1e9;
  uint8_t found = city;
  for (size_t other = 0; other < cities().size(); ++other) {
    double north = cities()[other].latitude - cities()[city].latitude;
    double east = cities()[other].longitude - cities()[city].longitude;
    double distance = north * north + east * east;
    if (local_[c * cities().size() + other].empty() || distance >= best) continue;
    best = distance;
    found = static_cast<uint8_t>(other);
  }
  return found;
}

std::span<const uint32_t> World::shops(size_t c, size_t city) const {
  size_t row = c * cities().size();
  return local_[row + nearest_[row + city]];
}

uint32_t World::any(Random& random, std::span<const uint32_t> shops) {
  double u = random.unit();
  return shops[static_cast<size_t>(u * u * static_cast<double>(shops.size()))];
}

uint64_t World::trait(uint32_t customer, uint64_t purpose) const {
  return hash_combine(hash_combine(seed_, customer), purpose);
}

uint32_t World::favourite(uint32_t customer, std::span<const uint32_t> shops, size_t c,
                          uint32_t slot) const {
  return shops[trait(customer, kTraitFavourite + c * 8 + slot) % shops.size()];
}

uint8_t World::city_on(uint32_t customer, int64_t day) const {
  const Customer& who = customers_[customer];
  uint64_t draw = trait(customer, kTraitTrip + static_cast<uint64_t>(day / kTripBlockDays));
  if (static_cast<double>(draw & 0xffff) >= personas()[who.persona].trips * 65'536) return who.city;
  int64_t length = 2 + static_cast<int64_t>((draw >> 16) % 8);
  int64_t first =
      static_cast<int64_t>((draw >> 24) % static_cast<uint64_t>(kTripBlockDays - length + 1));
  int64_t in_block = day % kTripBlockDays;
  if (in_block < first || in_block >= first + length) return who.city;
  Random random(draw);
  return static_cast<uint8_t>(trip_cities_.draw(random));
}

uint64_t World::device_on(uint32_t customer, int64_t day, bool second) const {
  uint64_t which = kTraitDevice + (second ? 1 << 10 : 0);
  uint64_t life = trait(customer, which);
  auto days_used = static_cast<int64_t>(200 + life % 500);
  auto generation =
      static_cast<uint64_t>((day + static_cast<int64_t>(life >> 32) % days_used) / days_used);
  return trait(customer, which + 1 + generation) | 1;
}

uint8_t World::draw_city_nearby(Random& random, uint8_t city) const {
  uint8_t picked = city;
  for (int tries = 0; tries < 4; ++tries) {
    auto other = static_cast<uint8_t>(random.below(cities().size()));
    bool same_country = cities()[other].country == cities()[city].country;
    if (same_country && cities()[other].people > 0) picked = other;
  }
  return picked;
}

void write_pan(uint32_t serial, uint64_t seed, char* out) {
  constexpr uint64_t kSpace = 100'000'000'000,
                     kStep = 61'803'398'873;  // coprime: serials never meet
  __extension__ using Wide = unsigned __int128;
  auto mixed = static_cast<uint64_t>(
      (static_cast<Wide>(serial) * kStep + hash_combine(seed, 0x70616e)) % kSpace);
  for (int i = 0; i < 4; ++i) out[i] = '9';
  for (int i = 14; i >= 4; --i, mixed /= 10) out[i] = static_cast<char>('0' + mixed % 10);
  int sum = 0;
  for (int i = 0; i < 15; ++i) {
    int digit = (out[i] - '0') * (i % 2 == 0 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  out[15] = static_cast<char>('0' + (10 - sum % 10) % 10);
}

}  // namespace paywarden
