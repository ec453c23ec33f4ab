#include "report/quantities.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace paywarden {
namespace {

constexpr const char* kNothing = "–";

// Commas between thousands, in the digits before the point.
std::string grouped(std::string digits) {
  size_t first = digits.starts_with('-') ? 1 : 0;
  size_t end = std::min(digits.find('.'), digits.size());
  for (size_t at = end; at > first + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

}  // namespace

std::string count_text(uint64_t count) {
  return grouped(std::to_string(count));
}

std::string figure_text(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : kNothing;
}

std::string score_text(double score) {
  if (score == 0) return "0";
  int zeros = std::max(0, static_cast<int>(-std::floor(std::log10(score))) - 1);  // after the point
  return fmt::format("{:.{}f}", score, std::min(zeros + 2, 12) + (zeros < 2 ? 2 - zeros : 0));
}

std::string share_text(double share) {
  if (!std::isfinite(share)) return kNothing;
  double percent = share * 100;
  if (percent > 0 && percent < 0.1) return fmt::format("{:.2g} %", percent);
  if (percent > 99 && percent < 100) return fmt::format("{:.2f} %", std::min(percent, 99.99));
  return fmt::format("{:.{}f} %", percent, percent > 0 && percent < 1 ? 2 : 1);
}

std::string rate_text(double rate) {
  if (!std::isfinite(rate)) return kNothing;
  return rate < 99.95 ? fmt::format("{:.1f}", rate) : grouped(fmt::format("{:.0f}", rate));
}

std::string money_text(int64_t minor, Currency currency) {
  return fmt::format("{} {}", grouped(format_minor_units(minor, currency.exponent())),
                     currency.code());
}

}  // namespace paywarden
