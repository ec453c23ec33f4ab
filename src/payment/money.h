// Currencies (ISO 4217) and decimal amounts, without floating point.
//
//   Currency eur = *Currency::parse("EUR");
//   int64_t minor = *parse_minor_units("12.5", eur.exponent());   // 1250
//   format_minor_units(1250, 2)                                   // "12.50"
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paywarden {

inline constexpr int64_t kAmountMinorMax =
    1'000'000'000'000'000;  // 10^15: a window of 9,000 such sums fits 63 bits

class Currency {
 public:
  constexpr Currency() = default;
  // Three capital letters; unknown codes are taken with exponent 2.
  static Result<Currency> parse(std::string_view code);
  std::string_view code() const { return {code_.data(), code_.size()}; }
  int exponent() const { return exponent_; }  // digits behind the point: JPY 0, EUR 2, KWD 3
  bool operator==(const Currency&) const = default;

 private:
  std::array<char, 3> code_ = {'X', 'X', 'X'};  // ISO 4217: no currency
  uint8_t exponent_ = 2;
};

// "12.5" -> 1250 for exponent 2. Digits with at most one '.', an optional sign, an optional
// exponent ("1e3", as JSON allows). Digits beyond the exponent must be zero ("12.500" is fine,
// "12.501" is not): money is never rounded here.
Result<int64_t> parse_minor_units(std::string_view text, int exponent);
std::string format_minor_units(int64_t minor, int exponent);
// 10^exponent as a double, exponent 0..4.
double minor_per_major(int exponent);

}  // namespace paywarden
