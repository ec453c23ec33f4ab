#include "report/curve_sampler.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace paywarden {
namespace {

TEST(CurveSampler, KeepsTheShapeOfALongCurveInFewPoints) {
  CurveSampler sampler(1'000, XScale::linear);
  for (int i = 0; i <= 1'000'000; ++i) {
    double x = i / 1e6;
    sampler.add({x, x * x, 1 - x});
  }
  std::vector<CurvePoint> points = sampler.take();
  ASSERT_LE(points.size(), 1'000u);
  ASSERT_GE(points.size(), 200u);
  EXPECT_EQ(points.front().x, 0);
  EXPECT_EQ(points.back().x, 1);
  for (size_t i = 1; i < points.size(); ++i) {
    EXPECT_LT(points[i].x - points[i - 1].x, 0.01);
    EXPECT_EQ(points[i].y, points[i].x * points[i].x);
  }
}

TEST(CurveSampler, KeepsWhatALogarithmicAxisSpreadsOut) {
  CurveSampler sampler(1'000, XScale::logarithmic);
  for (int i = 1; i <= 100'000; ++i) sampler.add({i / 1e5, 0, 0});
  size_t below_a_hundredth = 0;
  for (const CurvePoint& point : sampler.take()) below_a_hundredth += point.x < 0.01;
  EXPECT_GT(below_a_hundredth, 100u);
}

TEST(CurveSampler, NeverHoldsMoreThanItMay) {
  Random random(7);
  for (size_t most : {4, 5, 10, 100}) {
    CurveSampler sampler(most, XScale::linear);
    CurvePoint last;
    for (int i = 0; i < 5'000; ++i) sampler.add(last = {random.unit(), random.unit(), 0});
    std::vector<CurvePoint> points = sampler.take();
    EXPECT_LE(points.size(), most);
    EXPECT_EQ(points.back().x, last.x);
  }
}

TEST(CurveSampler, NothingInNothingOut) {
  EXPECT_TRUE(CurveSampler(10, XScale::linear).take().empty());
}

}  // namespace
}  // namespace paywarden
