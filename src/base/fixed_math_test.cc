#include "base/fixed_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/hash.h"
#include "base/random.h"

namespace paywarden {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

double uniform(Random& random, double low, double high) {
  return low + (high - low) * random.unit();
}

double relative_error(double got, long double want) {
  if (want == 0) return got == 0 ? 0 : 1;
  return static_cast<double>(std::fabs((got - want) / want));
}

TEST(FixedMath, ExpAndLogAgainstLongDouble) {
  Random random(1);
  double exp_error = 0, log_error = 0;
  for (int i = 0; i < 200'000; ++i) {
    double x = i % 2 ? uniform(random, -708, 709.7) : uniform(random, -2, 2);
    exp_error =
        std::max(exp_error, relative_error(fixed_exp(x), std::exp(static_cast<long double>(x))));
    double y = i % 2 ? std::exp(uniform(random, -744, 709)) : uniform(random, 0.5, 2);
    log_error =
        std::max(log_error, relative_error(fixed_log(y), std::log(static_cast<long double>(y))));
  }
  EXPECT_LT(exp_error, 1e-14);
  EXPECT_LT(log_error, 1e-14);
}

TEST(FixedMath, SinAndCosAgainstLongDouble) {
  Random random(2);
  double error = 0;
  for (int i = 0; i < 200'000; ++i) {
    double range = i % 2 ? 7 : 0x1p20, x = uniform(random, -range, range);
    long double wide = x;
    error = std::max(error, static_cast<double>(std::fabs(fixed_sin(x) - std::sin(wide))));
    error = std::max(error, static_cast<double>(std::fabs(fixed_cos(x) - std::cos(wide))));
  }
  EXPECT_LT(error, 1e-15);
}

TEST(FixedMath, FourSinesHaveTheBitsOfOne) {
  Random random(7);
  for (int i = 0; i < 100'000; ++i) {
    double x[4], out[4];
    int64_t turns[4] = {i % 4, (i + 1) % 4, (i + 2) % 4, 4 + (i + 3) % 4};
    for (double& v : x)
      v = random.chance(0.01) ? 0 : uniform(random, -1, 1) * (i % 2 ? 7 : 0x1.1p20);
    fixed_sines(x, turns, out);
    for (int k = 0; k < 4; ++k) {
      double sine = fixed_sin(x[k]), cosine = fixed_cos(x[k]),
             want[] = {sine, cosine, -sine, -cosine};
      uint64_t bits = std::bit_cast<uint64_t>(want[turns[k] % 4]);
      EXPECT_TRUE(std::isnan(sine) ? std::isnan(out[k]) : std::bit_cast<uint64_t>(out[k]) == bits)
          << x[k];
    }
  }
  double hostile[4] = {inf, -inf, std::nan(""), 0x1.1p20}, out[4];
  fixed_sines(hostile, {0, 1, 0, 1}, out);
  for (double v : out) EXPECT_TRUE(std::isnan(v));
}

TEST(FixedMath, AnglesAgainstLongDouble) {
  Random random(3);
  double error = 0;
  for (int i = 0; i < 200'000; ++i) {
    double y = uniform(random, -1, 1) * std::pow(10, uniform(random, -9, 9)),
           x = uniform(random, -1, 1);
    error =
        std::max(error, relative_error(fixed_atan2(y, x), std::atan2(static_cast<long double>(y),
                                                                     static_cast<long double>(x))));
    error = std::max(error, relative_error(fixed_asin(x), std::asin(static_cast<long double>(x))));
  }
  EXPECT_LT(error, 1e-14);
}

TEST(FixedMath, EdgesAreLibmsEdges) {
  for (double x : {0.0, -0.0, inf, -inf, 710.0, 1e300, -746.0, -1e300, -745.0})
    EXPECT_EQ(fixed_exp(x), std::exp(x)) << x;
  EXPECT_EQ(fixed_exp(inf), inf);
  EXPECT_EQ(fixed_exp(-inf), 0);
  EXPECT_EQ(fixed_exp(0), 1);
  EXPECT_EQ(fixed_log(1), 0);
  EXPECT_EQ(fixed_log(0), -inf);
  EXPECT_EQ(fixed_log(inf), inf);
  EXPECT_NEAR(fixed_log(5e-324), std::log(5e-324), 1e-11);
  for (double y : {0.0, -0.0, 1.0, -1.0, inf, -inf})
    for (double x : {0.0, -0.0, 1.0, -1.0, inf, -inf}) {
      EXPECT_EQ(fixed_atan2(y, x), std::atan2(y, x)) << y << " " << x;
      EXPECT_EQ(std::signbit(fixed_atan2(y, x)), std::signbit(std::atan2(y, x))) << y << " " << x;
    }
  EXPECT_EQ(fixed_asin(1), std::asin(1.0));
  EXPECT_EQ(fixed_sin(0), 0);
  EXPECT_EQ(fixed_cos(0), 1);
}

TEST(FixedMath, WhatHasNoAnswerIsNan) {
  double nan = std::nan("");
  for (double x : {fixed_exp(nan), fixed_log(nan), fixed_log(-1), fixed_log(-inf), fixed_sin(nan),
                   fixed_sin(inf), fixed_cos(0x1p21), fixed_asin(1.0000001), fixed_asin(nan),
                   fixed_atan2(nan, 1), fixed_atan2(1, nan)})
    EXPECT_TRUE(std::isnan(x));
}

// The promise itself: these bits are the same on every machine and for ever; scores in journals
// rest on them.
TEST(FixedMath, BitsNeverChange) {
  uint64_t hash = 0;
  for (int i = 0; i < 10'000; ++i) {
    double x = i * 0.0007 + 0.0001;
    for (double value : {fixed_exp(x - 4), fixed_log(x), fixed_sin(x), fixed_cos(x),
                         fixed_asin(x / 8), fixed_atan2(x - 3, 1 - x)})
      hash = hash_combine(hash, std::bit_cast<uint64_t>(value));
  }
  EXPECT_EQ(hash, 15788245066638671514ull);
}

}  // namespace
}  // namespace paywarden
