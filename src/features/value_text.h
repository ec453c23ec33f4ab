// A feature's value as a person reads it: money with the currency's digits, '3 h', '12 %', '14 x'.
//
//   ValueFormat format{.kind = ValueKind::money, .digits = 2, .unit = "EUR"};
//   append_value(format, 912.4, text)                             // 912.40 EUR
//   append_value({.kind = ValueKind::seconds}, 10'800, text)      // 3 h
//   append_times(13.6, text)                                      // 14 x
//
// The same number gives the same bytes everywhere: no locale, no grouping of thousands.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace paywarden {

enum class ValueKind : uint8_t {
  number,           // as few digits as tell it apart; `unit` behind it
  money,            // `digits` behind the point; `unit` is the currency
  times,            // 14 x
  share,            // 0..1: 12 %
  seconds,          // 42 s, 12 min, 3 h, 12 days
  kilometres,       // 812 km
  kilometres_hour,  // 1200 km/h
  years,            // 43.2 years
  logarithm,        // of 1 + what is shown: money, or a number where `digits` is below 0
  hour,             // 03:00 UTC
  weekday,          // Monday for 0
  flag,             // yes, no
  code,             // the text in `codes`
};

struct ValueFormat {
  ValueKind kind = ValueKind::number;
  int digits = 2;
  std::string unit{};                // empty: none
  std::vector<std::string> codes{};  // code
};

// `value` is finite.
void append_value(const ValueFormat& format, double value, std::string& out);
void append_times(double quotient, std::string& out);

}  // namespace paywarden
