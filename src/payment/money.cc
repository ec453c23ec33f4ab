#include "payment/money.h"

#include <algorithm>

#include "base/short_decimal.h"

namespace paywarden {
namespace {

// ISO 4217 list one: the active codes whose minor unit is not 1/100.
constexpr std::array<std::string_view, 15> kExponent0 = {"BIF", "CLP", "DJF", "GNF", "ISK",
                                                         "JPY", "KMF", "KRW", "PYG", "RWF",
                                                         "UGX", "VND", "VUV", "XAF", "XOF"};
constexpr std::array<std::string_view, 7> kExponent3 = {"BHD", "IQD", "JOD", "KWD",
                                                        "LYD", "OMR", "TND"};

template <size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view code) {
  return std::find(list.begin(), list.end(), code) != list.end();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A decimal number taken apart: digits (without the point) times 10^-scale.
struct Decimal {
  std::string_view whole, fraction;
  int power = 0;  // of ten, from an "e" part
  bool negative = false;
  bool ok = false;
};

Decimal take_apart(std::string_view text) {
  Decimal d;
  size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) d.negative = text[at++] == '-';
  size_t start = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  d.whole = text.substr(start, at - start);
  if (at < text.size() && text[at] == '.') {
    start = ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
    d.fraction = text.substr(start, at - start);
  }
  if (d.whole.empty() && d.fraction.empty()) return d;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    bool minus = ++at < text.size() && text[at] == '-';
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    start = at;
    for (; at < text.size() && is_digit(text[at]) && d.power < 100; ++at)
      d.power = d.power * 10 + (text[at] - '0');
    if (at == start) return d;
    if (minus) d.power = -d.power;
  }
  d.ok = at == text.size();
  return d;
}

}  // namespace

Result<Currency> Currency::parse(std::string_view code) {
  bool letters = code.size() == 3 &&
                 std::all_of(code.begin(), code.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!letters) return fail("is not a currency code of three capital letters (ISO 4217)");
  Currency currency;
  std::copy(code.begin(), code.end(), currency.code_.begin());
  currency.exponent_ = contains(kExponent0, code) ? 0 : contains(kExponent3, code) ? 3 : 2;
  return currency;
}

Result<int64_t> parse_minor_units(std::string_view text, int exponent) {
  // Within the limit whatever the digits are: there are at most eight. More places than the exponent: see below.
  constexpr std::array<int64_t, 7> kPowers = {1, 10, 100, 1'000, 10'000, 100'000, 1'000'000};
  if (ShortDecimal d; read_short_decimal(text, d))
    if (int more = exponent - static_cast<int>(d.places); more >= 0 && more <= 6)
      return d.digits * kPowers[static_cast<size_t>(more)];
  Decimal d = take_apart(text);
  if (!d.ok) return fail("is not a decimal number");
  // The digit at place i of whole+fraction has weight 10^(whole.size() - 1 - i + power + exponent)
  // in minor units.
  int64_t value = 0;
  int places = static_cast<int>(d.whole.size()) + d.power + exponent;  // digits that count
  int digits = static_cast<int>(d.whole.size() + d.fraction.size());
  for (int i = 0; i < digits || (i < places && value != 0); ++i) {
    size_t at = static_cast<size_t>(i);
    char c = at < d.whole.size() ? d.whole[at] : i < digits ? d.fraction[at - d.whole.size()] : '0';
    if (i >= places) {
      if (c != '0') return fail("has more decimals than its currency");
      continue;
    }
    value = value * 10 + (c - '0');
    if (value > kAmountMinorMax) return fail("is above the limit of 10^15 minor units");
  }
  return d.negative ? -value : value;
}

std::string format_minor_units(int64_t minor, int exponent) {
  std::string digits = std::to_string(minor < 0 ? -minor : minor);
  size_t decimals = static_cast<size_t>(exponent);
  if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  if (decimals) digits.insert(digits.size() - decimals, 1, '.');
  return (minor < 0 ? "-" : "") + digits;
}

double minor_per_major(int exponent) {
  constexpr std::array<double, 5> kPowers = {1, 10, 100, 1000, 10000};
  return kPowers[static_cast<size_t>(exponent)];
}

}  // namespace paywarden
