#include "report/axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/time.h"

namespace paywarden {
namespace {

std::string labels(const Axis& axis, int most) {
  std::string text;
  for (const Tick& tick : axis.ticks(most)) text += (text.empty() ? "" : "|") + tick.label;
  return text;
}

int64_t day(const char* date) {
  return parse_rfc3339(date)->ms() / days(1).ms();
}
std::string labels_of_days(const char* from, const char* to) {
  return labels(Axis::of_days(static_cast<double>(day(from)), static_cast<double>(day(to))), 6);
}

TEST(Axis, TidyTicks) {
  EXPECT_EQ(labels(Axis::linear("", 0, 1, AxisUnit::percent), 6), "0 %|20 %|40 %|60 %|80 %|100 %");
  EXPECT_EQ(labels(Axis::linear("", 0, 1, AxisUnit::score), 5), "0|0.2|0.4|0.6|0.8|1");
  EXPECT_EQ(labels(Axis::linear("", 0, 2'600, AxisUnit::number), 6), "0|500|1k|1.5k|2k|2.5k");
  EXPECT_EQ(labels(Axis::linear("", -3, 3, AxisUnit::number), 6), "-3|-2|-1|0|1|2|3");
  EXPECT_EQ(labels(Axis::linear("", 0, 0.0005, AxisUnit::number), 5),
            "0|0.0001|0.0002|0.0003|0.0004|0.0005");
}

TEST(Axis, LogarithmicTicks) {
  EXPECT_EQ(labels(Axis::logarithmic("", 1e-5, 1, AxisUnit::percent), 6),
            "0.001 %|0.01 %|0.1 %|1 %|10 %|100 %");
  EXPECT_EQ(labels(Axis::logarithmic("", 0.7, 3e5, AxisUnit::number), 4), "1|100|10k");
  EXPECT_EQ(labels(Axis::logarithmic("", 3, 300, AxisUnit::number), 6), "5|10|20|50|100|200");
}

TEST(Axis, TicksThatPeopleCountIn) {
  EXPECT_EQ(labels_of_days("2020-02-27", "2020-03-03"), "27 Feb|28 Feb|29 Feb|1 Mar|2 Mar");
  EXPECT_EQ(labels_of_days("2020-06-01", "2020-06-29"), "1 Jun|8 Jun|15 Jun|22 Jun");
  EXPECT_EQ(labels_of_days("2020-06-21", "2020-10-01"), "1 Jul|1 Aug|1 Sep");
  EXPECT_EQ(labels_of_days("2019-11-15", "2020-12-01"), "Jan 2020|Apr 2020|Jul 2020|Oct 2020");
}

TEST(Axis, PlacesStayWithin) {
  Axis linear = Axis::linear("", 10, 20, AxisUnit::number);
  EXPECT_EQ(linear.place(10), 0);
  EXPECT_EQ(linear.place(15), 0.5);
  EXPECT_EQ(linear.place(99), 1);
  Axis logarithmic = Axis::logarithmic("", 0.1, 10, AxisUnit::number);
  EXPECT_NEAR(logarithmic.place(1), 0.5, 1e-12);
  EXPECT_EQ(logarithmic.place(0), 0);
  EXPECT_EQ(logarithmic.place(-5), 0);
}

TEST(Axis, FromZeroEndsOnATick) {
  EXPECT_EQ(Axis::from_zero("", 31, AxisUnit::number).high(), 40);
  EXPECT_EQ(Axis::from_zero("", 40, AxisUnit::number).high(), 40);
  EXPECT_EQ(Axis::from_zero("", 0, AxisUnit::number).high(), 1);
  EXPECT_DOUBLE_EQ(Axis::from_zero("", 0.04, AxisUnit::percent).high(), 0.04);
}

// Whatever the data: some ticks, not too many, in order, inside.
TEST(Axis, TicksOfRandomAxes) {
  Random random(5);
  for (int i = 0; i < 2'000; ++i) {
    double low = (random.unit() - 0.5) * 1e6, span = std::pow(10, random.unit() * 8 - 3);
    bool is_time = random.chance(0.5);
    Axis axis =
        is_time ? Axis::of_days(std::floor(low / 100), std::floor(low / 100) + std::ceil(span / 10))
                : Axis::linear("", low, low + span, AxisUnit::number);
    std::vector<Tick> ticks = axis.ticks(6);
    ASSERT_LE(ticks.size(), 16u) << axis.low() << " to " << axis.high();
    ASSERT_GE(ticks.size(), is_time ? 0u : 2u) << axis.low() << " to " << axis.high();
    for (const Tick& tick : ticks) {
      ASSERT_GE(tick.value, axis.low() - span * 1e-6);
      ASSERT_LE(tick.value, axis.high() + span * 1e-6);
    }
    ASSERT_TRUE(std::ranges::is_sorted(ticks, std::less(), &Tick::value));
  }
}

TEST(Axis, TidyCeiling) {
  EXPECT_EQ(tidy_ceiling(0), 1);
  EXPECT_EQ(tidy_ceiling(1), 1);
  EXPECT_EQ(tidy_ceiling(1.1), 2);
  EXPECT_EQ(tidy_ceiling(5.5), 10);
  EXPECT_DOUBLE_EQ(tidy_ceiling(0.03), 0.05);
}

}  // namespace
}  // namespace paywarden
