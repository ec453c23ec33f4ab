#include "base/time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/check.h"

namespace paywarden {
namespace {

constexpr int64_t kMsPerDay = 86'400'000;

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

bool leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// The two digits at `text[at]`; below 0 where there are none.
int two_digits(std::string_view text, size_t at) {
  if (text.size() < at + 2) return -1;
  auto tens = static_cast<unsigned>(text[at] - '0'),
       ones = static_cast<unsigned>(text[at + 1] - '0');
  return tens > 9 || ones > 9 ? -1 : static_cast<int>(tens * 10 + ones);
}

int four_digits(std::string_view text, size_t at) {
  int high = two_digits(text, at), low = two_digits(text, at + 2);
  return high < 0 || low < 0 ? -1 : high * 100 + low;
}

struct Tail {
  int64_t ms = 0;         // fraction of the second
  int64_t offset_ms = 0;  // what to take from local time
  bool ok = false;
};

// What stands behind the seconds: [.fraction][Z|+hh:mm|-hh:mm]
Tail parse_tail(std::string_view text) {
  Tail tail;
  size_t at = 0;
  if (at < text.size() && text[at] == '.') {
    int scale = 100;
    size_t first = ++at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
      tail.ms += (text[at] - '0') * scale;
    if (at == first || at - first > 9) return tail;
  }
  std::string_view zone = text.substr(at);
  tail.ok = zone.empty() || zone == "Z" || zone == "z";
  if (tail.ok) return tail;
  int hour = two_digits(zone, 1), minute = two_digits(zone, 4);
  bool shape = zone.size() == 6 && zone[3] == ':' && (zone[0] == '+' || zone[0] == '-');
  if (!shape || hour < 0 || hour > 23 || minute < 0 || minute > 59) return tail;
  tail.offset_ms = (hour * 60 + minute) * int64_t{60'000} * (zone[0] == '-' ? -1 : 1);
  tail.ok = true;
  return tail;
}

// "00", "01", ..., "99"
constexpr std::array<char, 200> kPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

void put_two(char* out, int value) {
  std::memcpy(out, &kPairs[2 * static_cast<size_t>(value)], 2);
}

// Payments come by time, so a date mostly is the one that this thread had before: comparing ten bytes is cheaper than the calendar.
struct KnownDate {
  int64_t day = 0;  // since 1970
  char text[10] = {'1', '9', '7', '0', '-', '0', '1', '-', '0', '1'};
};
thread_local KnownDate last_read, last_written;

struct Unit {
  std::string_view suffix;
  int64_t ms;
};
constexpr std::array<Unit, 5> kUnits = {
    {{"d", kMsPerDay}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

}  // namespace

int64_t days_since_epoch(CalendarDate date) {
  int64_t y = date.year - (date.month <= 2);
  int64_t era = floor_div(y, 400);
  int64_t year_of_era = y - era * 400;
  int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

CalendarDate date_of(EventTime time) {
  int64_t z = floor_div(time.ms(), kMsPerDay) + 719'468;
  int64_t era = floor_div(z, 146'097);
  int64_t day_of_era = z - era * 146'097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t mp = (5 * day_of_year + 2) / 153;
  int month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  int year = static_cast<int>(year_of_era + era * 400 + (month <= 2));
  return {year, month, static_cast<int>(day_of_year - (153 * mp + 2) / 5 + 1)};
}

bool is_valid(CalendarDate date) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (date.month < 1 || date.month > 12 || date.day < 1) return false;
  return date.day <= kDays[date.month - 1] + (date.month == 2 && leap(date.year));
}

int32_t day_of(EventTime time) {
  return static_cast<int32_t>(floor_div(time.ms(), kMsPerDay));
}

EventTime day_start(int64_t day) {
  return EventTime(day * kMsPerDay);
}

std::string date_text(int64_t day) {
  return format_rfc3339(day_start(day)).substr(0, 10);
}

int hour_of(EventTime time) {
  int64_t in_day = time.ms() - floor_div(time.ms(), kMsPerDay) * kMsPerDay;
  return static_cast<int>(in_day / 3'600'000);
}

int weekday_of(EventTime time) {
  int64_t day = floor_div(time.ms(), kMsPerDay) + 3;  // 1970-01-01 was a Thursday
  return static_cast<int>(day - floor_div(day, 7) * 7);
}

Result<EventTime> parse_rfc3339(std::string_view text) {
  auto bad = [&] {
    return fail("'" + std::string(text.substr(0, 40)) +
                "' is not a time like 2020-06-21T12:14:58Z");
  };
  if (text.size() < 10) return bad();
  if (std::memcmp(text.data(), last_read.text, sizeof last_read.text) != 0) {
    CalendarDate date{four_digits(text, 0), two_digits(text, 5), two_digits(text, 8)};
    if (text[4] != '-' || text[7] != '-') return bad();
    if (date.year < 1900 || date.year > 2199 || !is_valid(date)) return bad();
    last_read.day = days_since_epoch(date);
    std::memcpy(last_read.text, text.data(), sizeof last_read.text);
  }
  int64_t ms = last_read.day * kMsPerDay;
  if (text.size() == 10) return EventTime(ms);
  int hour = two_digits(text, 11), minute = two_digits(text, 14), second = two_digits(text, 17);
  if (text.size() < 19 || (text[10] != 'T' && text[10] != ' ' && text[10] != 't')) return bad();
  if (text[13] != ':' || text[16] != ':') return bad();
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return bad();
  Tail tail = parse_tail(text.substr(19));
  if (!tail.ok) return bad();
  ms += ((hour * 60 + minute) * 60 + second) * int64_t{1000} + tail.ms - tail.offset_ms;
  return EventTime(ms);
}

void write_rfc3339(EventTime time, char* out) {
  int64_t day = floor_div(time.ms(), kMsPerDay);
  int in_day = static_cast<int>(time.ms() - day * kMsPerDay);
  if (day != last_written.day) {
    CalendarDate date = date_of(time);
    int year = std::clamp(date.year, 0, 9'999);  // four digits; no time that is taken has another
    char* text = last_written.text;
    put_two(text, year / 100);
    put_two(text + 2, year % 100);
    put_two(text + 5, date.month);
    put_two(text + 8, date.day);
    last_written.day = day;
  }
  std::memcpy(out, last_written.text, sizeof last_written.text);
  std::memcpy(out + 10, "T00:00:00.000Z", 14);
  int second = in_day / 1'000, ms = in_day % 1'000;
  put_two(out + 11, second / 3'600);
  put_two(out + 14, second / 60 % 60);
  put_two(out + 17, second % 60);
  put_two(out + 20, ms / 10);
  out[22] = static_cast<char>('0' + ms % 10);
}

std::string format_rfc3339(EventTime time) {
  std::string text(24, '0');
  write_rfc3339(time, text.data());
  return text;
}

Result<Duration> parse_duration(std::string_view text) {
  int64_t count = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  std::string_view suffix = text.substr(static_cast<size_t>(end - text.data()));
  for (const Unit& unit : kUnits)
    if (error == std::errc() && suffix == unit.suffix && count >= 0 &&
        count <= (int64_t{1} << 48) / unit.ms)
      return Duration(count * unit.ms);
  return fail("'" + std::string(text.substr(0, 40)) + "' is not a duration", {},
              "write a whole number and ms, s, m, h or d: \"250ms\", \"10m\", \"7d\"");
}

std::string format_duration(Duration span) {
  for (const Unit& unit : kUnits)
    if (span.ms() % unit.ms == 0 && span.ms() != 0)
      return std::to_string(span.ms() / unit.ms) + std::string(unit.suffix);
  return std::to_string(span.ms()) + "ms";
}

}  // namespace paywarden
