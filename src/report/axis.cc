#include "report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/check.h"
#include "base/time.h"

namespace paywarden {
namespace {

std::string_view month_name(CalendarDate date) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return kMonths[static_cast<size_t>(date.month - 1)];
}

// At most two decimals, none that are zero.
std::string plain(double value) {
  std::string text = fmt::format("{:.2f}", value);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string small(double value) {
  return value != 0 && std::abs(value) < 0.01 ? fmt::format("{:g}", value) : plain(value);
}

std::string number_text(double value) {
  double size = std::abs(value);
  if (size >= 1e9) return plain(value / 1e9) + "G";
  if (size >= 1e6) return plain(value / 1e6) + "M";
  if (size >= 1e3) return plain(value / 1e3) + "k";
  return small(value);
}

double power_of_ten_below(double value) {
  return std::pow(10, std::floor(std::log10(value) + 1e-9));
}

}  // namespace

double tidy_ceiling(double value) {
  if (!(value > 0)) return 1;
  double power = power_of_ten_below(value);
  for (double factor : {1.0, 2.0, 5.0})
    if (value <= factor * power * (1 + 1e-9)) return factor * power;
  return 10 * power;
}

std::string day_text(int64_t day, bool with_year) {
  CalendarDate date = date_of(day_start(day));
  std::string text = fmt::format("{} {}", date.day, month_name(date));
  return with_year ? fmt::format("{} {}", text, date.year) : text;
}

std::string tick_text(double value, AxisUnit unit) {
  switch (unit) {
    case AxisUnit::number:
      return number_text(value);
    case AxisUnit::percent:
      return small(value * 100) + " %";
    case AxisUnit::score:
      return small(value);
    case AxisUnit::day:
      return day_text(static_cast<int64_t>(value), false);
  }
  CHECK(false, "all units are above");
}

Axis::Axis(std::string label, double low, double high, AxisUnit unit, bool is_logarithmic)
    : label_(std::move(label)),
      low_(low),
      high_(high),
      unit_(unit),
      is_logarithmic_(is_logarithmic) {
  CHECK(low < high, "an axis has a length");
  CHECK(low > 0 || !is_logarithmic, "a logarithmic axis has no zero");
}

Axis Axis::linear(std::string label, double low, double high, AxisUnit unit) {
  return Axis(std::move(label), low, high, unit, false);
}

Axis Axis::from_zero(std::string label, double most, AxisUnit unit) {
  constexpr int kSteps = 5;
  double step = tidy_ceiling(most / kSteps);
  return linear(std::move(label), 0, step * std::max(1.0, std::ceil(most / step - 1e-9)), unit);
}

Axis Axis::logarithmic(std::string label, double low, double high, AxisUnit unit) {
  return Axis(std::move(label), low, high, unit, true);
}

Axis Axis::of_days(double low, double high) {
  return Axis("", low, high, AxisUnit::day, false);
}

double Axis::place(double value) const {
  double at = is_logarithmic_ ? std::log(std::max(value, low_) / low_) / std::log(high_ / low_)
                              : (value - low_) / (high_ - low_);
  return std::clamp(at, 0.0, 1.0);
}

std::vector<Tick> Axis::ticks(int most) const {
  if (unit_ == AxisUnit::day) return day_ticks(most);
  return is_logarithmic_ ? logarithmic_ticks(most) : linear_ticks(most);
}

std::vector<Tick> Axis::linear_ticks(int most) const {
  double step = tidy_ceiling((high_ - low_) / most);
  std::vector<Tick> ticks;
  for (double n = std::ceil(low_ / step - 1e-9); n * step <= high_ + step * 1e-9; ++n)
    ticks.push_back({n * step, tick_text(n * step, unit_)});
  return ticks;
}

// Every power of ten, or every second, third...; 2 and 5 times them where there are few.
std::vector<Tick> Axis::logarithmic_ticks(int most) const {
  double decades = std::log10(high_ / low_);
  int stride = std::max(1, static_cast<int>(std::ceil(decades / most)));
  bool between = decades * 3 <= most;
  std::vector<Tick> ticks;
  int first = static_cast<int>(std::floor(std::log10(low_) / stride)) * stride;
  for (int power = first; std::pow(10, power) <= high_ * 1.000001; power += stride)
    for (double factor : {1.0, 2.0, 5.0}) {
      double value = factor * std::pow(10, power);
      bool inside = value >= low_ * 0.999999 && value <= high_ * 1.000001;
      if (inside && (between || factor == 1)) ticks.push_back({value, tick_text(value, unit_)});
    }
  return ticks;
}

// Steps that people count in: days, weeks, then first days of months.
std::vector<Tick> Axis::day_ticks(int most) const {
  for (int step : {1, 2, 7, 14})
    if ((high_ - low_) / step <= most) return ticks_every(step);
  int stride = 1;
  for (int months : {1, 2, 3, 6, 12, 24, 60, 120}) {
    stride = months;
    if ((high_ - low_) / (30.4 * months) <= most) break;
  }
  return month_ticks(stride);
}

std::vector<Tick> Axis::ticks_every(int step) const {
  std::vector<Tick> ticks;
  for (double day = std::ceil(low_); day < high_; day += step)
    ticks.push_back({day, tick_text(day, unit_)});
  return ticks;
}

// The first of every `stride`-th month; with the year where there is more than one.
std::vector<Tick> Axis::month_ticks(int stride) const {
  bool with_year = high_ - low_ > 366;
  std::vector<Tick> ticks;
  for (double day = std::ceil(low_); day < high_; ++day) {
    CalendarDate date = date_of(day_start(static_cast<int64_t>(day)));
    if (date.day != 1 || (date.year * 12 + date.month - 1) % stride != 0) continue;
    ticks.push_back({day, with_year ? fmt::format("{} {}", month_name(date), date.year)
                                    : tick_text(day, unit_)});
  }
  return ticks;
}

}  // namespace paywarden
