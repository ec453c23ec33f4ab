// Distances on the earth, in km: haversine on a sphere of 6371.0088 km (IUGG mean radius), with
// fixed_math so that every machine gives the same bits. Error against the ellipsoid: up to 0.5 %.
#pragma once

#include <cstdint>

namespace paywarden {

struct GeoPoint {
  double latitude;   // degrees, north positive
  double longitude;  // degrees, east positive
};

double distance_km(GeoPoint a, GeoPoint b);
// Two places as history rows hold them: int32 of 1e-7 degrees, latitude in the low half.
double distance_km(uint64_t a, uint64_t b);

}  // namespace paywarden
