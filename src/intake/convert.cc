#include "intake/convert.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/short_decimal.h"

namespace paywarden {
namespace {

using Kind = RawValue::Kind;

constexpr int64_t kMsMin = -2'208'988'800'000;  // 1900-01-01
constexpr int64_t kMsEnd = 7'258'118'400'000;   // 2200-01-01

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// What every converter but to_boolean refuses before it looks at the characters.
RejectReason kind_fault(RawValue value) {
  if (value.kind == Kind::nested) return RejectReason::nested;
  return value.kind == Kind::boolean ? RejectReason::wrong_kind : RejectReason::none;
}

// A number of JSON has nothing to trim.
std::string_view digits_of(RawValue value) {
  return value.kind == Kind::number ? value.text() : trimmed(value.text());
}

// ".000" or nothing: what may follow an integer that a sender's library turned into a float.
bool is_zero_fraction(std::string_view s) {
  if (s.empty()) return true;
  return s.size() > 1 && s[0] == '.' && s.find_first_not_of('0', 1) == std::string_view::npos;
}

RejectReason read_integer(std::string_view s, int64_t& out) {
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), out);
  if (error == std::errc::result_out_of_range) return RejectReason::out_of_range;
  bool whole =
      error == std::errc() && is_zero_fraction(s.substr(static_cast<size_t>(end - s.data())));
  return whole ? RejectReason::none : RejectReason::not_integer;
}

// "1592741698.25" with 1000 ms a unit -> 1592741698250. What is finer than a millisecond is cut.
RejectReason read_epoch(std::string_view s, int64_t units_per_second, int64_t& ms) {
  int64_t whole = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), whole);
  if (error == std::errc::result_out_of_range) return RejectReason::out_of_range;
  if (error != std::errc()) return RejectReason::not_time;
  std::string_view rest = s.substr(static_cast<size_t>(end - s.data()));
  bool fraction = rest.size() > 1 && rest[0] == '.' &&
                  rest.find_first_not_of("0123456789", 1) == std::string_view::npos;
  if (!rest.empty() && !fraction) return RejectReason::not_time;
  constexpr int64_t kSecondsMax = 10'000'000'000;  // the year 2286: beyond every time that is taken
  if (whole / units_per_second > kSecondsMax || whole / units_per_second < -kSecondsMax)
    return RejectReason::out_of_range;
  if (units_per_second == 1'000'000) {
    ms = whole / 1'000 - (whole % 1'000 < 0);
    return RejectReason::none;
  }
  ms = whole * (1'000 / units_per_second);
  if (units_per_second != 1 || rest.empty()) return RejectReason::none;
  int64_t thousandths = 0;
  for (size_t i = 1; i <= 3; ++i)
    thousandths = thousandths * 10 + (i < rest.size() ? rest[i] - '0' : 0);
  ms += s[0] == '-' ? -thousandths : thousandths;
  return RejectReason::none;
}

constexpr double kPowers[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

// Plain decimals of at most 15 digits: digits and power of ten are both exact doubles, so that
// their quotient is the nearest double, the same that from_chars finds (W. Clinger, "How to Read
// Floating Point Numbers Accurately", 1990).
bool read_plain_decimal(std::string_view s, double& out) {
  if (ShortDecimal d; read_short_decimal(s, d)) {
    out = static_cast<double>(d.digits) / kPowers[d.places];
    return true;
  }
  const char *at = s.data(), *end = at + s.size();
  bool minus = at != end && *at == '-';
  at += minus;
  if (end - at > 16) return false;  // 15 digits and a point
  int64_t digits = 0;
  const char* first = at;
  for (; at != end && is_digit(*at); ++at) digits = digits * 10 + (*at - '0');
  auto count = at - first;
  decltype(count) behind_point = 0;
  if (at != end && *at == '.') {
    first = ++at;
    for (; at != end && is_digit(*at); ++at) digits = digits * 10 + (*at - '0');
    behind_point = at - first;
    if (behind_point == 0) return false;
  }
  if (at != end || count == 0 || count + behind_point > 15) return false;
  out = static_cast<double>(minus ? -digits : digits) / kPowers[behind_point];
  return true;
}

// Whether only the year keeps it from being a time: with another one as long it would be.
bool is_of_another_year(std::string_view s) {
  int year = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + std::min<size_t>(s.size(), 4), year);
  if (error != std::errc() || end != s.data() + 4 || !is_digit(s[0])) return false;
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return parse_rfc3339((leap ? "2000" : "2001") + std::string(s.substr(4))).has_value();
}

RejectReason read_calendar(std::string_view s, TimeFormat format, EventTime& out) {
  if (format == TimeFormat::datetime && s.size() > 19 &&
      s.find_first_not_of("0123456789.", 19) != std::string_view::npos)
    return RejectReason::not_time;  // it has a zone
  Result<EventTime> parsed = parse_rfc3339(s);
  if (!parsed) return is_of_another_year(s) ? RejectReason::out_of_range : RejectReason::not_time;
  out = *parsed;
  return RejectReason::none;
}

}  // namespace

RejectReason to_integer(RawValue value, int64_t& out) {
  if (RejectReason no = kind_fault(value); no != RejectReason::none) return no;
  return read_integer(trimmed(value.text()), out);
}

RejectReason to_number(RawValue value, double& out) {
  if (RejectReason no = kind_fault(value); no != RejectReason::none) return no;
  std::string_view s = digits_of(value);
  if (read_plain_decimal(s, out)) return RejectReason::none;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), out);
  if (error == std::errc::result_out_of_range) return RejectReason::out_of_range;
  if (error != std::errc() || end != s.data() + s.size()) return RejectReason::not_number;
  if (!std::isfinite(out)) return RejectReason::not_number;  // "nan", "inf"
  if (out == 0) out = 0;
  return RejectReason::none;
}

RejectReason to_boolean(RawValue value, bool& out) {
  if (value.kind == Kind::nested) return RejectReason::nested;
  std::string_view s = trimmed(value.text());
  char lower[6] = {};
  if (s.size() > 5) return RejectReason::not_boolean;
  for (size_t i = 0; i < s.size(); ++i) lower[i] = static_cast<char>(s[i] | 0x20);
  std::string_view word(lower, s.size());
  bool yes = word == "true" || s == "1", no = word == "false" || s == "0";
  if (!yes && !no) return RejectReason::not_boolean;
  out = yes;
  return RejectReason::none;
}

RejectReason to_time(RawValue value, TimeFormat format, EventTime& out) {
  if (RejectReason no = kind_fault(value); no != RejectReason::none) return no;
  std::string_view s = trimmed(value.text());
  if (format == TimeFormat::iso8601 || format == TimeFormat::datetime)
    return read_calendar(s, format, out);
  int64_t units = format == TimeFormat::epoch_s    ? 1
                  : format == TimeFormat::epoch_ms ? 1'000
                                                   : 1'000'000;
  int64_t ms = 0;
  if (RejectReason no = read_epoch(s, units, ms); no != RejectReason::none) return no;
  if (ms < kMsMin || ms >= kMsEnd) return RejectReason::out_of_range;
  out = EventTime(ms);
  return RejectReason::none;
}

RejectReason to_amount(RawValue value, int currency_exponent, AmountDecimals decimals,
                       int64_t& minor) {
  if (RejectReason no = kind_fault(value); no != RejectReason::none) return no;
  std::string_view s = digits_of(value);
  Result<int64_t> parsed = parse_minor_units(s, currency_exponent);
  if (!parsed && decimals == AmountDecimals::round)
    parsed = parse_minor_units(rounded_decimal(s, currency_exponent), currency_exponent);
  if (!parsed) return RejectReason::not_amount;
  minor = *parsed;
  return minor < 0 ? RejectReason::negative : RejectReason::none;
}

RejectReason to_currency(RawValue value, Currency& out) {
  if (RejectReason no = kind_fault(value); no != RejectReason::none) return no;
  Result<Currency> parsed = Currency::parse(trimmed(value.text()));
  if (!parsed) return RejectReason::not_currency;
  out = *parsed;
  return RejectReason::none;
}

std::string rounded_decimal(std::string_view text, int exponent) {
  size_t point = text.find('.');
  size_t kept =
      point == std::string_view::npos ? text.size() : point + 1 + static_cast<size_t>(exponent);
  if (kept >= text.size() ||
      text.find_first_not_of("0123456789", point + 1) != std::string_view::npos)
    return std::string(text);
  std::string out(text.substr(0, kept));
  std::string_view cut = text.substr(kept);
  size_t last = exponent == 0 ? point : kept;  // one behind the last digit that is kept
  bool odd = last > 0 && is_digit(out[last - 1]) && (out[last - 1] - '0') % 2 == 1;
  bool half = cut[0] == '5' && cut.find_first_not_of('0', 1) == std::string_view::npos;
  if (cut[0] < '5' || (half && !odd)) return out;
  for (size_t i = out.size(); i-- > 0;) {
    if (!is_digit(out[i])) continue;
    if (out[i] != '9') {
      ++out[i];
      return out;
    }
    out[i] = '0';
  }
  out.insert(out[0] == '-' || out[0] == '+' ? 1 : 0, 1, '1');
  return out;
}

}  // namespace paywarden
