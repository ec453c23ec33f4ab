// What the simulated world is made of, as plain tables: cities, merchant categories, kinds of
// people. Change a number here and the world changes; the tests hold its shares
// (simulator_test.cc).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace paywarden {

struct City {
  std::string_view name;
  std::string_view country;  // ISO 3166-1 alpha-2
  double latitude;           // degrees
  double longitude;
  double people;      // weight among homes; 0: nobody lives there, people travel there
  double visitors;    // weight among destinations of trips
  int8_t utc_offset;  // hours; habits follow the local clock (no summer time)
};
std::span<const City> cities();

enum class PriceEnding : uint8_t { cents, tens_of_cents, ninety_nine, tens };

struct Category {
  std::string_view name;
  double price;         // typical amount, EUR
  double sigma;         // spread of amounts around it (log-normal)
  double base_weight;   // share among an average person's payments
  double shops;         // share among the merchants
  double online_share;  // of the payments in it, for an average person; 0: never, 1: only
  PriceEnding ending;
};

inline constexpr size_t kCategories = 18;
namespace category {
enum : uint8_t {
  groceries,
  fuel,
  restaurants,
  cafes,
  transport,
  pharmacy,
  clothing,
  electronics,
  jewellery,
  home,
  entertainment,
  travel,
  hotels,
  digital,
  marketplace,
  gift_cards,
  health,
  cash,
};
}  // namespace category
const std::array<Category, kCategories>& categories();

enum class Daypart : uint8_t { night, morning, midday, afternoon, evening };
inline constexpr size_t kDayparts = 5;
Daypart daypart_of(int hour);  // 0..23, local
// How much of a category is bought in a part of the day, against its share over the whole day.
double daypart_factor(size_t category, Daypart part);

using HourCurve = std::array<uint8_t, 24>;  // weight of each hour, local time

struct Persona {
  std::string_view name;
  double share;  // of the customers
  const HourCurve* work_day;
  const HourCurve* weekend;
  double frequency;                      // payments a day, against the average
  double online_factor;                  // scales Category::online_share
  double trips;                          // chance of a trip in a fortnight
  std::array<float, kCategories> taste;  // factor on Category::base_weight
};
inline constexpr size_t kPersonas = 8;
const std::array<Persona, kPersonas>& personas();

}  // namespace paywarden
