// Points in time and spans, in whole milliseconds, UTC. Two types that do not mix with plain
// integers:
//
//   EventTime t = *parse_rfc3339("2020-06-21T12:14:58Z");
//   EventTime later = t + hours(24);
//   std::string text = format_rfc3339(later);  // "2020-06-22T12:14:58.000Z"
//
// Nothing here asks the machine for the time: that is the Clock port (clock.h), used by app/ alone.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paywarden {

class Duration {
 public:
  constexpr Duration() = default;
  constexpr explicit Duration(int64_t ms) : ms_(ms) {}
  constexpr int64_t ms() const { return ms_; }
  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration operator+(Duration other) const { return Duration(ms_ + other.ms_); }
  constexpr Duration operator-(Duration other) const { return Duration(ms_ - other.ms_); }

 private:
  int64_t ms_ = 0;
};

constexpr Duration milliseconds(int64_t n) {
  return Duration(n);
}
constexpr Duration seconds(int64_t n) {
  return Duration(n * 1000);
}
constexpr Duration minutes(int64_t n) {
  return seconds(n * 60);
}
constexpr Duration hours(int64_t n) {
  return minutes(n * 60);
}
constexpr Duration days(int64_t n) {
  return hours(n * 24);
}

// When something happened, by the calendar of the payment itself (never the machine's clock).
class EventTime {
 public:
  constexpr EventTime() = default;
  constexpr explicit EventTime(int64_t ms_since_epoch) : ms_(ms_since_epoch) {}
  constexpr int64_t ms() const { return ms_; }
  constexpr auto operator<=>(const EventTime&) const = default;
  constexpr EventTime operator+(Duration span) const { return EventTime(ms_ + span.ms()); }
  constexpr EventTime operator-(Duration span) const { return EventTime(ms_ - span.ms()); }
  constexpr Duration operator-(EventTime other) const { return Duration(ms_ - other.ms_); }
  static constexpr EventTime min() { return EventTime(-(int64_t{1} << 52)); }  // sums stay in range
  static constexpr EventTime max() { return EventTime(int64_t{1} << 52); }

 private:
  int64_t ms_ = 0;
};

struct CalendarDate {
  int year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
};

// Proleptic Gregorian calendar; days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level
// Date Algorithms", days_from_civil and civil_from_days).
int64_t days_since_epoch(CalendarDate date);
CalendarDate date_of(EventTime time);
bool is_valid(CalendarDate date);
int32_t day_of(EventTime time);  // days since 1970-01-01, UTC; -1 is the day before
EventTime day_start(int64_t day);
std::string date_text(int64_t day);  // "2020-06-21"
int hour_of(EventTime time);         // 0..23, UTC
int weekday_of(EventTime time);      // 0 = Monday .. 6 = Sunday, UTC (ISO 8601 less one)

// RFC 3339 with any offset and up to 9 fraction digits (cut to ms), 'T' or ' ' between date and
// time; a date alone is midnight; without an offset the time is UTC. Years 1900 to 2199.
Result<EventTime> parse_rfc3339(std::string_view text);
// "2020-06-21T12:14:58.000Z", always with milliseconds.
std::string format_rfc3339(EventTime time);
// The same into 24 bytes at `out`; years 0000..9999.
void write_rfc3339(EventTime time, char* out);

// "250ms", "10s", "5m", "24h", "7d"; "m" is minutes. Not negative.
Result<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration span);  // the shortest of the same: "24h" -> "1d"

}  // namespace paywarden
