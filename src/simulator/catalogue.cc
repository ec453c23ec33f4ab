// The tables of catalogue.h. Places are real, shares and prices are round guesses at a European
// card portfolio.
#include "simulator/catalogue.h"

namespace paywarden {
namespace {

// All charge in EUR but those of the US.
constexpr City kCities[] = {
    {"Berlin", "DE", 52.52, 13.40, 9, 5, 1},         {"Hamburg", "DE", 53.55, 9.99, 5, 2, 1},
    {"Munich", "DE", 48.14, 11.58, 5, 3, 1},         {"Cologne", "DE", 50.94, 6.96, 4, 1, 1},
    {"Leipzig", "DE", 51.34, 12.37, 3, 1, 1},        {"Stuttgart", "DE", 48.78, 9.18, 3, 1, 1},
    {"Vienna", "AT", 48.21, 16.37, 5, 4, 1},         {"Graz", "AT", 47.07, 15.44, 1, 1, 1},
    {"Paris", "FR", 48.86, 2.35, 9, 7, 1},           {"Lyon", "FR", 45.76, 4.84, 3, 1, 1},
    {"Marseille", "FR", 43.30, 5.37, 3, 2, 1},       {"Lille", "FR", 50.63, 3.06, 2, 1, 1},
    {"Bordeaux", "FR", 44.84, -0.58, 2, 1, 1},       {"Madrid", "ES", 40.42, -3.70, 6, 4, 1},
    {"Barcelona", "ES", 41.39, 2.17, 5, 6, 1},       {"Valencia", "ES", 39.47, -0.38, 2, 2, 1},
    {"Palma", "ES", 39.57, 2.65, 1, 6, 1},           {"Rome", "IT", 41.90, 12.50, 6, 6, 1},
    {"Milan", "IT", 45.46, 9.19, 5, 3, 1},           {"Naples", "IT", 40.85, 14.27, 3, 2, 1},
    {"Amsterdam", "NL", 52.37, 4.90, 4, 4, 1},       {"Rotterdam", "NL", 51.92, 4.48, 2, 1, 1},
    {"Brussels", "BE", 50.85, 4.35, 3, 2, 1},        {"Antwerp", "BE", 51.22, 4.40, 1, 1, 1},
    {"Lisbon", "PT", 38.72, -9.14, 3, 4, 0},         {"Porto", "PT", 41.16, -8.63, 2, 2, 0},
    {"Dublin", "IE", 53.35, -6.26, 3, 2, 0},         {"Athens", "GR", 37.98, 23.73, 3, 4, 2},
    {"Helsinki", "FI", 60.17, 24.94, 2, 1, 2},       {"Tallinn", "EE", 59.44, 24.75, 1, 1, 2},
    {"Riga", "LV", 56.95, 24.11, 1, 1, 2},           {"Vilnius", "LT", 54.69, 25.28, 1, 1, 2},
    {"Luxembourg", "LU", 49.61, 6.13, 1, 1, 1},      {"Ljubljana", "SI", 46.06, 14.51, 1, 1, 1},
    {"Zagreb", "HR", 45.81, 15.98, 1, 2, 1},         {"New York", "US", 40.71, -74.01, 0, 4, -5},
    {"Los Angeles", "US", 34.05, -118.24, 0, 2, -8}, {"Miami", "US", 25.76, -80.19, 0, 2, -5},
    {"Dubai", "AE", 25.20, 55.27, 0, 2, 4},          {"Bangkok", "TH", 13.76, 100.50, 0, 2, 7},
    {"Istanbul", "TR", 41.01, 28.98, 0, 2, 3},       {"Tokyo", "JP", 35.68, 139.69, 0, 1, 9},
};

using enum PriceEnding;
constexpr std::array<Category, kCategories> kCategoryTable = {{
    {"groceries", 27, 0.80, 24, 14, 0.03, cents},
    {"fuel", 51, 0.40, 6, 5, 0, cents},
    {"restaurants", 32, 0.60, 10, 12, 0.12, tens_of_cents},
    {"cafes", 5.6, 0.50, 9, 9, 0, tens_of_cents},
    {"transport", 3.4, 0.90, 9, 4, 0.45, tens_of_cents},
    {"pharmacy", 16, 0.65, 4, 6, 0.10, cents},
    {"clothing", 55, 0.75, 5, 9, 0.45, ninety_nine},
    {"electronics", 120, 1.05, 2.6, 5, 0.55, ninety_nine},
    {"jewellery", 150, 0.95, 0.7, 3, 0.20, tens_of_cents},
    {"home", 62, 0.95, 3, 6, 0.35, ninety_nine},
    {"entertainment", 22, 0.70, 5, 6, 0.40, tens_of_cents},
    {"travel", 160, 0.95, 1.6, 3, 0.85, cents},
    {"hotels", 130, 0.60, 1.0, 4, 0.35, cents},
    {"digital", 6.5, 0.85, 7, 4, 1, ninety_nine},
    {"marketplace", 29, 0.90, 8, 4, 1, ninety_nine},
    {"gift_cards", 35, 0.70, 1.0, 2, 0.60, tens},
    {"health", 42, 0.70, 1.6, 4, 0.05, cents},
    {"cash", 90, 0.60, 3.5, 4, 0, tens},
}};

// night 0-5, morning 6-10, midday 11-14, afternoon 15-18, evening 19-23
constexpr double kDaypartFactors[kCategories][kDayparts] = {
    {0.35, 0.8, 1.0, 1.3, 0.9},  // groceries
    {1.3, 1.2, 0.9, 1.0, 0.8},   // fuel
    {0.7, 0.2, 1.4, 0.5, 1.6},   // restaurants
    {0.5, 1.9, 1.1, 0.9, 0.3},   // cafes
    {1.4, 1.5, 0.8, 1.1, 0.7},   // transport
    {0.4, 1.1, 1.0, 1.2, 0.6},   // pharmacy
    {0.4, 0.6, 1.1, 1.3, 1.0},   // clothing
    {0.6, 0.6, 1.0, 1.2, 1.2},   // electronics
    {0.6, 0.4, 1.2, 1.4, 0.8},   // jewellery
    {0.3, 0.9, 1.1, 1.2, 0.9},   // home
    {2.6, 0.2, 0.6, 0.8, 1.9},   // entertainment
    {0.9, 0.9, 0.9, 1.0, 1.2},   // travel
    {0.6, 1.4, 0.8, 1.0, 1.1},   // hotels
    {1.9, 0.7, 0.7, 0.9, 1.5},   // digital
    {1.1, 0.7, 0.8, 0.9, 1.5},   // marketplace
    {0.8, 0.7, 1.0, 1.2, 1.1},   // gift_cards
    {0.1, 1.6, 1.1, 1.1, 0.2},   // health
    {1.3, 0.9, 1.0, 1.0, 1.0},   // cash
};

constexpr HourCurve kOffice = {1,  0, 0, 0, 0, 1,  4,  8,  6, 3, 3, 5,
                               12, 9, 4, 4, 7, 12, 13, 10, 8, 6, 4, 2};
constexpr HourCurve kEarly = {0, 0, 0, 0,  2, 6, 8, 6, 5, 5, 6, 6,
                              6, 5, 8, 10, 9, 7, 5, 4, 3, 2, 1, 0};
constexpr HourCurve kDay = {0, 0, 0, 0, 0, 0, 1, 4, 8, 11, 12, 11,
                            8, 6, 7, 9, 9, 7, 5, 3, 2, 1,  1,  0};
constexpr HourCurve kLate = {5, 3, 2, 1, 0, 0, 0, 1,  2,  3, 4, 6,
                             8, 7, 6, 6, 7, 8, 9, 10, 10, 9, 8, 7};
constexpr HourCurve kNight = {9, 9, 10, 8, 7, 7, 6, 5, 2, 1, 0, 0,
                              0, 1, 2,  4, 5, 5, 6, 6, 6, 7, 8, 9};
constexpr HourCurve kWeekend = {3,  2,  1, 1, 0, 0, 0, 1, 3, 7, 10, 11,
                                11, 10, 9, 9, 9, 9, 9, 8, 8, 7, 5,  4};

// taste, in the categories' order:           gro  fuel rest cafe tran phar clot elec jewe home ente
// trav hote digi mark gift heal cash
constexpr std::array<Persona, kPersonas> kPersonaTable = {{
    {"office",
     0.30,
     &kOffice,
     &kWeekend,
     1.1,
     1.0,
     0.06,
     {1.0f, 1.0f, 1.2f, 1.6f, 1.3f, 0.8f, 1.0f, 1.0f, 1.0f, 0.9f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f,
      1.0f, 0.8f, 0.8f}},
    {"early",
     0.13,
     &kEarly,
     &kDay,
     0.9,
     0.7,
     0.03,
     {1.0f, 1.7f, 0.6f, 1.2f, 0.7f, 0.9f, 0.8f, 0.9f, 0.7f, 1.5f, 0.7f, 0.6f, 0.6f, 0.7f, 0.8f,
      0.7f, 0.9f, 1.6f}},
    {"student",
     0.13,
     &kLate,
     &kWeekend,
     1.1,
     1.5,
     0.05,
     {0.9f, 0.2f, 1.0f, 1.3f, 1.9f, 0.5f, 1.2f, 0.9f, 0.3f, 0.4f, 1.9f, 0.8f, 0.5f, 2.0f, 1.3f,
      1.4f, 0.4f, 0.9f}},
    {"retired",
     0.16,
     &kDay,
     &kDay,
     0.6,
     0.3,
     0.04,
     {1.4f, 0.8f, 0.8f, 0.9f, 0.6f, 2.2f, 0.7f, 0.5f, 0.8f, 1.1f, 0.5f, 1.0f, 1.0f, 0.2f, 0.5f,
      0.8f, 2.4f, 2.0f}},
    {"night_worker",
     0.07,
     &kNight,
     &kLate,
     1.0,
     1.1,
     0.03,
     {1.0f, 1.6f, 1.1f, 1.2f, 1.3f, 0.8f, 1.0f, 1.5f, 1.3f, 0.8f, 1.4f, 0.7f, 0.6f, 1.4f, 1.2f,
      1.0f, 0.8f, 1.6f}},
    {"family",
     0.13,
     &kDay,
     &kWeekend,
     1.3,
     1.1,
     0.04,
     {1.6f, 1.4f, 0.9f, 0.5f, 0.5f, 1.6f, 1.5f, 1.1f, 0.6f, 1.8f, 0.9f, 0.9f, 0.6f, 0.8f, 1.5f,
      1.0f, 1.6f, 0.7f}},
    {"frequent_traveller",
     0.04,
     &kOffice,
     &kLate,
     1.3,
     1.2,
     0.55,
     {0.5f, 0.9f, 2.0f, 1.8f, 2.0f, 0.7f, 1.1f, 1.2f, 1.5f, 0.5f, 1.2f, 4.5f, 5.0f, 1.0f, 0.8f,
      0.8f, 0.7f, 1.2f}},
    {"gamer",
     0.04,
     &kLate,
     &kLate,
     1.2,
     2.0,
     0.02,
     {0.7f, 0.3f, 1.1f, 0.8f, 0.8f, 0.5f, 0.6f, 2.2f, 0.3f, 0.4f, 1.5f, 0.4f, 0.3f, 6.0f, 1.6f,
      3.0f, 0.4f, 0.5f}},
}};

}  // namespace

std::span<const City> cities() {
  return kCities;
}
const std::array<Category, kCategories>& categories() {
  return kCategoryTable;
}
const std::array<Persona, kPersonas>& personas() {
  return kPersonaTable;
}

Daypart daypart_of(int hour) {
  if (hour < 6) return Daypart::night;
  if (hour < 11) return Daypart::morning;
  if (hour < 15) return Daypart::midday;
  return hour < 19 ? Daypart::afternoon : Daypart::evening;
}

double daypart_factor(size_t category, Daypart part) {
  return kDaypartFactors[category][static_cast<size_t>(part)];
}

}  // namespace paywarden
