#include "forest/reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/random.h"

namespace paywarden {
namespace {

constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

BinCounts count(const std::vector<float>& edges, const std::vector<float>& values) {
  BinCounts counts{};
  for (float v : values) ++counts[bin_of(edges, v)];
  return counts;
}

BinReference reference_of(const std::vector<float>& values) {
  BinReference out{edges_of(values), {}, 0};
  out.shares = shares_of(out.edges, count(out.edges, values));
  return out;
}

double psi_between(const std::vector<float>& before, const std::vector<float>& now) {
  BinReference reference = reference_of(before);
  return psi(reference, count(reference.edges, now));
}

// The definition, by names of intervals and no arithmetic of bins.
double psi_by_names(const std::vector<float>& edges, const std::vector<float>& before,
                    const std::vector<float>& now) {
  auto shares = [&](const std::vector<float>& values) {
    std::map<std::string, double> out;
    for (float v : values) {
      std::string name = "above all";
      for (size_t i = edges.size(); i-- > 0;)
        if (v <= edges[i]) name = "up to " + std::to_string(i);
      if (std::isnan(v)) name = "missing";
      out[name] += 1.0 / static_cast<double>(values.size());
    }
    return out;
  };
  auto expected = shares(before), actual = shares(now);
  for (const auto& [name, share] : expected) actual.try_emplace(name, 0);
  double sum = 0;
  for (const auto& [name, share] : actual) {
    double a = std::max(share, 1e-4), e = std::max(expected[name], 1e-4);
    sum += (a - e) * std::log(a / e);
  }
  return sum;
}

std::vector<float> random_values(Random& random, size_t count, int kind) {
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) {
    double u = random.unit();
    float v = kind == 0   ? static_cast<float>(u * u * 1000)             // crooked
              : kind == 1 ? static_cast<float>(random.below(4))          // few values
              : kind == 2 ? (u < 0.6 ? 0 : static_cast<float>(u * 50))   // most are 0
              : kind == 3 ? static_cast<float>(random.below(30)) - 10.f  // ties
                          : 7.f;                                         // constant
    values.push_back(random.chance(kind == 2 ? 0.3 : 0.02) ? kNothing : v);
  }
  return values;
}

TEST(Psi, HandComputed) {
  BinReference reference{{10}, {0.5, 0.5, 0}, 0};
  BinCounts counts{};
  counts[0] = 25, counts[1] = 75;
  // (0.25 - 0.5) ln 0.5 + (0.75 - 0.5) ln 1.5 = 0.1732868 + 0.1013663
  EXPECT_NEAR(psi(reference, counts), 0.2746531, 1e-7);
  counts[0] = 10, counts[1] = 10, counts[kMissingBin] = 20;
  // twice (0.25 - 0.5) ln 0.5, and (0.5 - 0.0001) ln 5000 of what was never missing
  EXPECT_NEAR(psi(reference, counts), 2 * 0.1732868 + 0.4999 * 8.5171932, 1e-6);
  EXPECT_TRUE(std::isnan(psi(reference, BinCounts{})));
}

TEST(Psi, IsAsTheDefinitionSays) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    auto before = random_values(random, 50 + random.below(2000), static_cast<int>(seed % 5));
    auto now = random_values(random, 1 + random.below(2000), static_cast<int>(random.below(5)));
    auto edges = edges_of(before);
    EXPECT_NEAR(psi_between(before, now), psi_by_names(edges, before, now), 1e-9)
        << "seed " << seed;
  }
}

TEST(Psi, TheSameIsNearZeroAndAnotherIsFar) {
  Random random(3);
  for (int kind = 0; kind < 5; ++kind) {
    auto before = random_values(random, 20'000, kind), now = random_values(random, 5'000, kind);
    EXPECT_LT(psi_between(before, now), 0.02) << kind;
    for (float& v : now) v = v * 10 + 5;
    EXPECT_GT(psi_between(before, now), 0.5) << kind;
  }
}

TEST(Psi, ChanceAloneStaysFarBelowTheLevelAtAThousandPayments) {
  Random random(11);
  BinReference reference = reference_of(random_values(random, 100'000, 0));
  double most = 0;
  for (int day = 0; day < 300; ++day) {
    auto now = random_values(random, 1'000, 0);
    most = std::max(most, psi(reference, count(reference.edges, now)));
  }
  EXPECT_LT(most, 0.05);
}

TEST(Edges, ABinForEachOfAFewValuesAndForWhatIsBesideThem) {
  auto edges = edges_of({2, 1, 2, 5, kNothing});
  ASSERT_EQ(edges.size(), 4u);
  EXPECT_EQ(bin_of(edges, 0.99f), 0u);
  EXPECT_EQ(bin_of(edges, 1), 1u);
  EXPECT_EQ(bin_of(edges, 2), 2u);
  EXPECT_EQ(bin_of(edges, 5), 3u);
  EXPECT_EQ(bin_of(edges, 5.01f), 4u);
  EXPECT_EQ(bin_of(edges, kNothing), kMissingBin);
}

TEST(Edges, TenBinsOfEqualCounts) {
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) values.push_back(static_cast<float>(i));
  BinReference reference = reference_of(values);
  EXPECT_EQ(reference.edges, (std::vector<float>{99, 199, 299, 399, 499, 599, 699, 799, 899}));
  for (size_t bin = 0; bin < 10; ++bin) EXPECT_DOUBLE_EQ(reference.shares[bin], 0.1);
}

TEST(Edges, AValueThatManyHaveLeavesTheOtherBinsToTheRest) {
  std::vector<float> values(600, 0.f);
  for (int i = 1; i <= 400; ++i) values.push_back(static_cast<float>(i));
  BinReference reference = reference_of(values);
  EXPECT_EQ(reference.edges.front(), 0);
  EXPECT_EQ(reference.edges.size(), 9u);
  for (size_t bin = 1; bin < 10; ++bin) EXPECT_NEAR(reference.shares[bin], 0.0444, 0.002) << bin;
}

TEST(Edges, NothingAndInfinityAreTaken) {
  EXPECT_TRUE(edges_of({}).empty());
  EXPECT_TRUE(edges_of({kNothing, kNothing}).empty());
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const auto& edges : {edges_of({-kInfinity, 1, kInfinity}), edges_of({kInfinity})})
    for (float edge : edges) EXPECT_TRUE(std::isfinite(edge));
  EXPECT_TRUE(check_reference(reference_of({kNothing})));
  EXPECT_EQ(psi_between({kNothing, kNothing}, {kNothing}), 0);
  EXPECT_GT(psi_between({kNothing, kNothing}, {1}), 5);
}

TEST(Reference, RefusesWhatIsNone) {
  EXPECT_TRUE(check_reference({{1, 2}, {0.1, 0.2, 0.3, 0.4}, 0.5}));
  EXPECT_FALSE(check_reference({{2, 2}, {0.1, 0.2, 0.3, 0.4}, 0}));
  EXPECT_FALSE(check_reference({{kNothing}, {0.1, 0.2, 0.3}, 0}));
  EXPECT_FALSE(check_reference({{1, 2}, {0.1, 0.2, 0.3}, 0}));
  EXPECT_FALSE(check_reference({{1}, {0.1, 1.2, 0.3}, 0}));
  EXPECT_FALSE(check_reference({{1}, {0.1, 0.2, 0.3}, std::nan("")}));
  EXPECT_FALSE(check_reference({{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, std::vector<double>(13), 0}));
}

}  // namespace
}  // namespace paywarden
