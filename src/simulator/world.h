// The people, shops and places of the simulation. Made once from a seed; afterwards only cards
// change (a stolen one is replaced). Whatever can be computed from the seed is not stored: a
// customer's favourites, trips, devices and subscriptions are hashes of its number, so a customer
// costs 32 bytes.
//
//   World world({.seed = 1, .customers = 5'000, .merchants = 2'000, .payments_per_day_per_customer
//   = 1.5}); uint32_t shop = world.favourite(customer, category::cafes,
//   world.customer(customer).city, slot); world.merchant(shop).name                      // "Linden
//   Cafe Berlin 17"
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "simulator/catalogue.h"
#include "simulator/sampling.h"

namespace paywarden {

// Degrees * 10^4 (about 11 m), so that places print the same everywhere.
struct Place {
  int32_t latitude_e4 = 0;
  int32_t longitude_e4 = 0;
  bool operator==(const Place&) const = default;
};

struct Customer {
  Place home;
  float frequency;         // payments a day, before weekday and follow-ups
  float level;             // spending against the average; median 1
  uint32_t card;           // serial number of the valid card
  uint8_t persona;         // index in personas()
  uint8_t city;            // index in cities()
  bool case_open = false;  // a fraud case runs, or its card waits to be replaced
};

struct Merchant {
  std::string name;  // ASCII without quotes, commas or backslashes; unique
  Place place;
  float level;  // prices against the category's
  uint8_t category;
  uint8_t city;  // online shops: the seat
  bool online;
  bool charges_usd;
};

struct WorldOptions {
  uint64_t seed;
  uint32_t customers;
  uint32_t merchants;
  double payments_per_day_per_customer;
};

class World {
 public:
  explicit World(const WorldOptions& options);

  std::span<const Customer> customers() const { return customers_; }
  std::span<const Merchant> merchants() const { return merchants_; }
  const Customer& customer(uint32_t index) const { return customers_[index]; }
  const Merchant& merchant(uint32_t index) const { return merchants_[index]; }

  // Shops of a category in a city, the best known first (those of the nearest city that has any),
  // or on the net. Empty only where the category is never sold that way.
  std::span<const uint32_t> shops(size_t category, size_t city) const;
  std::span<const uint32_t> online_shops(size_t category) const { return online_[category]; }
  // The shop that a customer goes to by habit; slot 0 is the first choice.
  uint32_t favourite(uint32_t customer, std::span<const uint32_t> shops, size_t category,
                     uint32_t slot) const;
  // Any shop, the best known more often.
  static uint32_t any(Random& random, std::span<const uint32_t> shops);

  // Where the customer is on a day (days since 1970): the home city, or that of a trip.
  uint8_t city_on(uint32_t customer, int64_t day) const;
  // The device in use on a day: one or two of them, replaced every 200 to 700 days. Never 0.
  uint64_t device_on(uint32_t customer, int64_t day, bool second) const;
  // A number that belongs to the customer and the purpose, the same whenever it is asked for.
  uint64_t trait(uint32_t customer, uint64_t purpose) const;

  uint8_t draw_home_city(Random& random) const {
    return static_cast<uint8_t>(home_cities_.draw(random));
  }
  // Another inhabited city of the same country; the same city where there is none.
  uint8_t draw_city_nearby(Random& random, uint8_t city) const;

  void open_case(uint32_t customer) { customers_[customer].case_open = true; }
  void replace_card(uint32_t customer) {
    customers_[customer].card = cards_issued_++;
    customers_[customer].case_open = false;
  }
  void close_cases() {
    for (Customer& customer : customers_) customer.case_open = false;
  }
  uint32_t cards_issued() const { return cards_issued_; }

 private:
  void add_customers(const WorldOptions& options, Random& random);
  void add_merchants(uint32_t count, Random& random);
  void add_merchant(size_t category, bool online, uint8_t city, Random& random);
  void index_shops();
  uint8_t nearest_city_with(size_t category, uint8_t city) const;

  uint64_t seed_;
  uint32_t cards_issued_ = 0;
  std::vector<Customer> customers_;
  std::vector<Merchant> merchants_;
  Lottery home_cities_, trip_cities_;
  std::vector<std::vector<uint32_t>> local_;   // [category * cities + city]
  std::vector<uint8_t> nearest_;               // the same index: the city whose shops serve it
  std::vector<std::vector<uint32_t>> online_;  // [category]
};

// 16 digits that pass the Luhn check (ISO/IEC 7812-1, annex B), unique per serial and seed. They
// begin with 9999: ISO 3166 assigns no country 999, so no real card has such a number.
void write_pan(uint32_t serial, uint64_t seed, char* out);

}  // namespace paywarden
