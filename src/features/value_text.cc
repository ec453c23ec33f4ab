#include "features/value_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "base/fixed_math.h"

namespace paywarden {
namespace {

constexpr double kMinute = 60, kHour = 3600, kDay = 86'400;
constexpr double kPlainMax = 1e15;  // above, a float's digits mean nothing: as a power of ten
constexpr double kPlainMin = 1e-9;

void append_fixed(double value, int digits, std::string& out) {
  size_t begin = out.size();
  fmt::format_to(std::back_inserter(out), "{:.{}f}", value, digits);
  // What is rounded to nothing has no sign.
  if (out[begin] == '-' && out.find_first_not_of("-0.", begin) == std::string::npos)
    out.erase(begin, 1);
}

// At most so many digits behind the point, without zeros at the end.
void append_trimmed(double value, int digits, std::string& out) {
  append_fixed(value, digits, out);
  if (digits == 0) return;
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
}

// Digits behind the point for two that are not leading zeros.
int digits_of_small(double size) {
  int digits = 1;
  for (; size < 1; size *= 10) ++digits;
  return digits;
}

// `above_ten`, `above_one`: digits behind the point there.
void append_rounded(double value, int above_ten, int above_one, std::string& out) {
  double size = std::abs(value);
  if (size >= kPlainMax || (size > 0 && size < kPlainMin))
    fmt::format_to(std::back_inserter(out), "{:.3g}", value);
  else if (size >= 10 || size == 0)
    append_trimmed(value, above_ten, out);
  else
    append_trimmed(value, size >= 1 ? above_one : digits_of_small(size), out);
}

void append_number(double value, const std::string& unit, std::string& out) {
  append_rounded(value, std::abs(value) >= 1000 ? 0 : 2, 2, out);
  if (!unit.empty()) out.append(1, ' ').append(unit);
}

void append_money(double value, int digits, const std::string& unit, std::string& out) {
  append_fixed(value, digits, out);
  if (!unit.empty()) out.append(1, ' ').append(unit);
}

void append_share(double share, std::string& out) {
  double percent = share * 100;
  if (percent > 99 && percent < 100)  // all but one of a thousand is not all
    append_trimmed(std::min(percent, 99.9), 1, out);
  else
    append_rounded(percent, 0, 1, out);
  out += " %";
}

void append_span(double seconds, std::string& out) {
  double size = std::abs(seconds);
  if (size < kMinute - 0.5) {
    append_rounded(seconds, 0, 1, out);
    out += " s";
    return;
  }
  bool minutes = size < kHour - kMinute / 2, hours = size < 2 * kDay;
  double count = seconds / (minutes ? kMinute : hours ? kHour : kDay);
  append_trimmed(count, std::abs(count) < 10 ? 1 : 0, out);
  out += minutes ? " min" : hours ? " h" : " days";
}

void append_hour(double hour, std::string& out) {
  int minutes = static_cast<int>(std::lround(std::clamp(hour, 0.0, 24.0) * 60));
  fmt::format_to(std::back_inserter(out), "{:02}:{:02} UTC", minutes / 60, minutes % 60);
}

void append_years(double years, std::string& out) {
  size_t begin = out.size();
  append_trimmed(years, 1, out);
  out += out.compare(begin, std::string::npos, "1") == 0 ? " year" : " years";
}

// The usual value of a code or a weekday may lie between two.
size_t place_of(double value, size_t count) {
  return static_cast<size_t>(std::clamp(value, 0.0, static_cast<double>(count - 1)));
}

void append_weekday(double day, std::string& out) {
  constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                     "Friday", "Saturday", "Sunday"};
  out += kDays[place_of(day, kDays.size())];
}

void append_code(const std::vector<std::string>& codes, double code, std::string& out) {
  if (codes.empty()) return append_number(code, {}, out);
  out.append(1, '\'').append(codes[place_of(code, codes.size())]).append(1, '\'');
}

}  // namespace

void append_times(double quotient, std::string& out) {
  append_rounded(quotient, 0, 1, out);
  out += " x";
}

void append_value(const ValueFormat& format, double value, std::string& out) {
  switch (format.kind) {
    case ValueKind::number:
      return append_number(value, format.unit, out);
    case ValueKind::money:
      return append_money(value, format.digits, format.unit, out);
    case ValueKind::times:
      return append_times(value, out);
    case ValueKind::share:
      return append_share(value, out);
    case ValueKind::seconds:
      return append_span(value, out);
    case ValueKind::kilometres:
      append_rounded(value, 0, 1, out);
      out += " km";
      return;
    case ValueKind::kilometres_hour:
      append_rounded(value, 0, 1, out);
      out += " km/h";
      return;
    case ValueKind::years:
      return append_years(value, out);
    case ValueKind::logarithm:
      if (format.digits < 0) return append_number(fixed_exp(value) - 1, format.unit, out);
      return append_money(fixed_exp(value) - 1, format.digits, format.unit, out);
    case ValueKind::hour:
      return append_hour(value, out);
    case ValueKind::weekday:
      return append_weekday(value, out);
    case ValueKind::flag:
      out += value != 0 ? "yes" : "no";
      return;
    case ValueKind::code:
      return append_code(format.codes, value, out);
  }
}

}  // namespace paywarden
