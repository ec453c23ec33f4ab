// Holds the table-made draws to the distributions that they stand for.
#include "simulator/sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace paywarden {
namespace {

TEST(Sampling, ExpAgreesWithTheLibrary) {
  for (double x = -4; x <= 4; x += 0.00917)
    EXPECT_NEAR(exp_from_table(x) / std::exp(x), 1, 2.5e-6) << x;
  EXPECT_GT(exp_from_table(100), 54);  // clamped, not out of bounds
  EXPECT_LT(exp_from_table(-100), 0.019);
}

TEST(Sampling, NormalHasMeanZeroAndDeviationOne) {
  Random random(1);
  double sum = 0, squares = 0;
  constexpr int kCount = 200'000;
  for (int i = 0; i < kCount; ++i) {
    double z = normal(random);
    ASSERT_LE(std::abs(z), 3.5);
    sum += z;
    squares += z * z;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.01);
  EXPECT_NEAR(squares / kCount, 1, 0.01);
}

TEST(Sampling, LogNormalHasMedianOne) {
  Random random(2);
  int below = 0;
  for (int i = 0; i < 100'000; ++i) below += log_normal(random, 0.8) < 1;
  EXPECT_NEAR(below / 100'000.0, 0.5, 0.01);
}

TEST(Sampling, PoissonHasItsMeanAndVariance) {
  for (double mean : {0.0, 0.05, 1.5, 2.99, 7.5, 60.0}) {
    Random random(3);
    double sum = 0, squares = 0;
    constexpr int kCount = 100'000;
    for (int i = 0; i < kCount; ++i) {
      double n = poisson(random, mean);
      sum += n;
      squares += n * n;
    }
    double average = sum / kCount;
    EXPECT_NEAR(average, mean, 0.01 + mean * 0.01);
    EXPECT_NEAR(squares / kCount - average * average, mean, 0.01 + mean * 0.03);
  }
}

TEST(Sampling, LotteryDrawsByWeight) {
  std::vector<double> weights = {1, 0, 5, 2};
  Lottery lottery(weights);
  Random random(4);
  std::vector<int> drawn(4);
  for (int i = 0; i < 80'000; ++i) ++drawn[lottery.draw(random)];
  EXPECT_EQ(drawn[1], 0);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(drawn[i] / 10'000.0, weights[i], 0.1);
}

}  // namespace
}  // namespace paywarden
