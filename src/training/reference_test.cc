#include "training/reference.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace paywarden {
namespace {

// Columns: a steady amount, the weekday, one that is missing, and one that only begins to be there in the first days.
Dataset forty_days(Random& random) {
  Dataset data(4);
  for (int day = 0; day < 40; ++day)
    for (int i = 0; i < 500; ++i) {
      float* row = data.add(EventTime(0) + days(day) + minutes(2 * i), 10, random.chance(0.01));
      row[0] = static_cast<float>(random.unit() * 100);
      row[1] = static_cast<float>(day % 7);
      row[2] = std::nanf("");
      row[3] = day < 5 ? 0 : static_cast<float>(random.unit());
    }
  return data;
}

TEST(Reference, SaysHowFarSingleDaysAreFromTheWhole) {
  Random random(4);
  Dataset data = forty_days(random);
  std::vector<SlicePayment> slice;
  for (size_t i = 15'000; i < data.rows(); ++i)
    slice.push_back({static_cast<float>(random.unit()), data.is_fraud(i),
                     static_cast<int32_t>(data.time(i).ms() / days(1).ms()), 10});
  ModelReference reference = reference_of(data, slice);
  EXPECT_TRUE(check_reference(reference.score));
  EXPECT_LT(reference.score.day_psi_max, 0.1);
  ASSERT_EQ(reference.features.size(), 4u);
  for (const BinReference& feature : reference.features) EXPECT_TRUE(check_reference(feature));
  EXPECT_LT(reference.features[0].day_psi_max, 0.1);
  EXPECT_GT(reference.features[1].day_psi_max, 5) << "each day has one weekday";
  EXPECT_EQ(reference.features[2].shares.back(), 1);
  EXPECT_EQ(reference.features[2].day_psi_max, 0);
  EXPECT_LT(reference.features[3].day_psi_max, 1) << "the first days, far off, are not looked at";
}

TEST(Reference, OfNothingIsEmpty) {
  Dataset data(2);
  ModelReference reference = reference_of(data, {});
  EXPECT_TRUE(reference.features.empty());
  EXPECT_TRUE(check_reference(reference.score));
}

}  // namespace
}  // namespace paywarden
