// Distances on the earth, in km: haversine on a sphere of 6371.0088 km (IUGG mean radius), with
// fixed_math so that every machine gives the same bits. Error against the ellipsoid: up to 0.5 %.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace paywarden {

struct GeoPoint {
  double latitude;   // degrees, north positive
  double longitude;  // degrees, east positive
};

// A place as history rows hold it: int32 of 1e-7 degrees, latitude in the low half.
GeoPoint unpacked(uint64_t place);

double distance_km(GeoPoint a, GeoPoint b);

// Features that are distances, or speeds over them, computed several at a time: a third of what each costs alone, and the same bits.
//
//   batch.add_distance(a, b, &row[3]);   // row[3] is written by a later add or by settle()
//   batch.settle();
class DistanceBatch {
 public:
  void add_distance(GeoPoint a, GeoPoint b, float* km) { add(a, b, 0, km); }
  // `way`: how long it took, above 0.
  void add_speed(GeoPoint a, GeoPoint b, Duration way, float* km_per_hour) {
    add(a, b, way.ms(), km_per_hour);
  }
  void settle();

 private:
  static constexpr size_t kMost = 256;  // pending: 12 KiB
  void add(GeoPoint a, GeoPoint b, int64_t way_ms, float* out) {
    if (count_ == kMost) settle();
    from_latitude_[count_] = a.latitude;
    from_longitude_[count_] = a.longitude;
    to_latitude_[count_] = b.latitude;
    to_longitude_[count_] = b.longitude;
    way_ms_[count_] = way_ms;
    out_[count_++] = out;
  }

  size_t count_ = 0;
  std::array<double, kMost> from_latitude_{}, from_longitude_{}, to_latitude_{}, to_longitude_{};
  std::array<int64_t, kMost> way_ms_;  // 0: the distance alone is wanted
  std::array<float*, kMost> out_;
};

}  // namespace paywarden
