// One axis of a plot: where a value lies between its two ends, and which values to write beside it.
//
//   Axis x = Axis::linear("recall", 0, 1, AxisUnit::percent);
//   Axis y = Axis::logarithmic("payments", 0.7, 2e5, AxisUnit::number);
//   x.place(0.25)      // 0.25, of the way from the low end to the high one; held within 0..1
//   for (const Tick& tick : x.ticks(6)) draw(tick.value, tick.label);
//
// Ticks are a power of ten apart, or 2 or 5 of them; on an axis of days: days, weeks, months,
// years.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace paywarden {

enum class AxisUnit : uint8_t {
  number,   // 1,500 is written 1.5k
  percent,  // values are shares: 0.25 is written 25 %
  score,    // 0..1 as it is
  day,      // values are days since 1970-01-01
};

struct Tick {
  double value;
  std::string label;
};

class Axis {
 public:
  static Axis linear(std::string label, double low, double high, AxisUnit unit);
  // From 0 to the first tidy value that is not below `most`.
  static Axis from_zero(std::string label, double most, AxisUnit unit);
  // 0 < low < high.
  static Axis logarithmic(std::string label, double low, double high, AxisUnit unit);
  // Both ends days since 1970-01-01; `high` is the end of the last day.
  static Axis of_days(double low, double high);

  const std::string& label() const { return label_; }
  double low() const { return low_; }
  double high() const { return high_; }
  double place(double value) const;
  // About `most` of them, from low to high.
  std::vector<Tick> ticks(int most) const;

 private:
  Axis(std::string label, double low, double high, AxisUnit unit, bool is_logarithmic);
  std::vector<Tick> linear_ticks(int most) const;
  std::vector<Tick> logarithmic_ticks(int most) const;
  std::vector<Tick> day_ticks(int most) const;
  std::vector<Tick> ticks_every(int step) const;  // days
  std::vector<Tick> month_ticks(int stride) const;

  std::string label_;
  double low_, high_;
  AxisUnit unit_;
  bool is_logarithmic_;
};

// The smallest of 1, 2, 5 times a power of ten that is not below `value`: a tidy upper end for an
// axis. 1 for 0.
double tidy_ceiling(double value);
std::string tick_text(double value, AxisUnit unit);
// "21 Jun 2020" for days since 1970-01-01.
std::string day_text(int64_t day, bool with_year = true);

}  // namespace paywarden
