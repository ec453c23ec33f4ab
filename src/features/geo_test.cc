// Distances computed several at a time have the bits of those computed alone.
#include "features/geo.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <vector>

#include "base/random.h"

namespace paywarden {
namespace {

struct Way {
  GeoPoint from, to;
  Duration took;  // 0: the distance is wanted
};

float alone(const Way& way) {
  double km = distance_km(way.from, way.to);
  if (way.took.ms() == 0) return static_cast<float>(km);
  return static_cast<float>(km * 3'600'000 / static_cast<double>(way.took.ms()));
}

void expect_same(const std::vector<Way>& ways) {
  std::vector<float> out(ways.size(), -1);
  DistanceBatch batch;
  for (size_t i = 0; i < ways.size(); ++i) {
    if (ways[i].took.ms() == 0)
      batch.add_distance(ways[i].from, ways[i].to, &out[i]);
    else
      batch.add_speed(ways[i].from, ways[i].to, ways[i].took, &out[i]);
  }
  batch.settle();
  for (size_t i = 0; i < ways.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(alone(ways[i])))
        << i << ": " << ways[i].from.latitude << " " << ways[i].from.longitude << " to "
        << ways[i].to.latitude << " " << ways[i].to.longitude;
}

TEST(DistanceBatch, HasTheBitsOfEachAlone) {
  Random random(5);
  auto anywhere = [&random] {
    return GeoPoint{random.unit() * 180 - 90, random.unit() * 360 - 180};
  };
  for (size_t count : {0u, 1u, 7u, 8u, 9u, 255u, 256u, 257u, 5'000u}) {
    std::vector<Way> ways(count);
    for (Way& way : ways) {
      way = {anywhere(), anywhere(),
             Duration(random.chance(0.5) ? random.between(1, 1'000'000) : 0)};
      if (random.chance(0.3))  // near
        way.to = {way.from.latitude + random.unit() * 1e-3, way.from.longitude};
    }
    expect_same(ways);
  }
}

TEST(DistanceBatch, EdgesToo) {
  const GeoPoint edges[] = {
      {0, 0},       {-0.0, -0.0}, {90, 0},
      {-90, 0},     {0, 180},     {0, -180},
      {45, 45},     {0, 90},      {1e300, 0},
      {0, 1e9},     {90, 180},    {-90, -180},
      {1e-7, 1e-7}, {0, 45},      {std::numeric_limits<double>::quiet_NaN(), 0}};
  std::vector<Way> ways;
  for (GeoPoint a : edges)
    for (GeoPoint b : edges) ways.push_back({a, b, Duration(0)});
  expect_same(ways);
}

TEST(DistanceBatch, IsEmptyOnceSettled) {
  DistanceBatch batch;
  float km = 0;
  batch.add_distance({38.7223, -9.1393}, {41.1579, -8.6291}, &km);  // Lisbon, Porto
  batch.settle();
  EXPECT_NEAR(km, 274.2, 0.5);
  km = -1;
  batch.settle();
  EXPECT_EQ(km, -1);
}

}  // namespace
}  // namespace paywarden
