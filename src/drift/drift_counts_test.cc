#include "drift/drift_counts.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace paywarden {
namespace {

using Told = DriftCounts::Told;

ModelReference halves() {
  BinReference half{{0.5f}, {0.5, 0.5, 0}, 0};
  return {half, {half, {{}, {1, 0}, 0}}};
}

const std::vector<std::string> kNames = {"amount", "constant"};

DriftCounts counts_of(size_t days_max = 8) {
  return DriftCounts(halves(), kNames, days_max);
}

TEST(DriftCounts, EachDayHasItsFigures) {
  DriftCounts counts = counts_of();
  for (int i = 0; i < 1000; ++i) {
    float low[2] = {i % 2 ? 0.1f : 0.9f, 1}, high[2] = {0.9f, std::nanf("")};
    counts.add(7, low[0], low);
    counts.add(8, high[0], high);
  }
  EXPECT_EQ(counts.newest(), 8);
  auto even = counts.figures(7), odd = counts.figures(8);
  ASSERT_TRUE(even && odd);
  EXPECT_EQ(even->payments, 1000u);
  ASSERT_EQ(even->figures.size(), 3u);
  EXPECT_EQ(even->figures[0].of, "score");
  EXPECT_EQ(even->figures[2].of, "constant");
  for (const DriftFigure& figure : even->figures) EXPECT_DOUBLE_EQ(figure.psi, 0) << figure.of;
  // All above the middle: (0.0001 - 0.5) ln 0.0002 + (1 - 0.5) ln 2
  EXPECT_NEAR(odd->figures[0].psi, 0.4999 * 8.5171932 + 0.5 * 0.6931472, 1e-6);
  EXPECT_DOUBLE_EQ(odd->figures[1].psi, odd->figures[0].psi);
  EXPECT_NEAR(odd->figures[2].psi, 2 * 0.9999 * std::log(1e4), 1e-6);
  EXPECT_FALSE(counts.figures(6));
}

// The features of a busy day are thinned; their shares are as if all had been counted.
TEST(DriftCounts, ASampleKeepsTheShares) {
  DriftCounts sampled = counts_of(), whole = counts_of();
  Random random(5);
  for (int i = 0; i < 400'000; ++i) {
    double rises = 0.3 + 0.4 * i / 400'000.0;  // through the day, so that a crooked sample shows
    float row[2] = {random.chance(rises) ? 0.9f : 0.1f, 1};
    sampled.add(1, 0.1f, row);
    whole.add_score(1, 0.1f);
    whole.add_features(1, row);
  }
  auto a = sampled.figures(1), b = whole.figures(1);
  EXPECT_EQ(a->payments, b->payments);
  EXPECT_DOUBLE_EQ(a->figures[0].psi, b->figures[0].psi);
  EXPECT_NEAR(a->figures[1].psi, b->figures[1].psi, 0.002);
}

TEST(DriftCounts, KeepsTheNewestDays) {
  DriftCounts counts = counts_of(3);
  float row[2] = {0.1f, 1};
  for (int32_t day : {5, 6, 7, 4, 8, 6, 5}) counts.add(day, 0.1f, row);
  EXPECT_EQ(counts.days(), (std::vector<int32_t>{6, 7, 8}));
  EXPECT_EQ(counts.figures(6)->payments, 2u);
}

TEST(DriftCounts, ComesBackAsItWas) {
  DriftCounts counts = counts_of();
  Random random(9);
  for (int i = 0; i < 5000; ++i) {
    float row[2] = {static_cast<float>(random.unit()), 1};
    counts.add(static_cast<int32_t>(random.below(3)), row[0], row);
  }
  counts.tell(1, Told::alarm);
  std::string bytes;
  ByteWriter out(bytes);
  counts.save(out);
  DriftCounts back = counts_of();
  ByteReader in(bytes);
  ASSERT_TRUE(back.load(in));
  EXPECT_EQ(back.told(1), Told::alarm);
  EXPECT_EQ(back.told(2), Told::nothing);
  for (int32_t day : counts.days()) {
    EXPECT_EQ(back.figures(day)->payments, counts.figures(day)->payments);
    EXPECT_EQ(back.figures(day)->figures[1].psi, counts.figures(day)->figures[1].psi);
  }
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    ByteReader part(std::string_view(bytes).substr(0, cut));
    EXPECT_FALSE(back.load(part));
    EXPECT_TRUE(back.days().empty());
  }
}

TEST(DriftFigure, AlarmsNotAtWhatTrainingsDaysDidThemselves) {
  EXPECT_TRUE((DriftFigure{"amount", 0.3, 0.01}.reaches(0.25)));
  EXPECT_FALSE((DriftFigure{"amount", 0.2, 0.01}.reaches(0.25)));
  EXPECT_FALSE((DriftFigure{"weekday", 8.1, 7.9}.reaches(0.25)));
  EXPECT_TRUE((DriftFigure{"weekday", 12, 7.9}.reaches(0.25)));
  EXPECT_FALSE((DriftFigure{"nothing counted", std::nan(""), 0}.reaches(0.25)));
}

}  // namespace
}  // namespace paywarden
