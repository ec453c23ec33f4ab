#include "features/geo.h"

#include <algorithm>
#include <cmath>

#include "base/fixed_math.h"

namespace paywarden {
namespace {

constexpr double kRadians = 0.017453292519943295;  // pi / 180
constexpr double kEarthRadiusKm = 6371.0088;

GeoPoint unpack(uint64_t word) {
  auto low = static_cast<int32_t>(static_cast<uint32_t>(word)),
       high = static_cast<int32_t>(static_cast<uint32_t>(word >> 32));
  return {low * 1e-7, high * 1e-7};
}

}  // namespace

double distance_km(GeoPoint a, GeoPoint b) {
  double south = fixed_sin((b.latitude - a.latitude) * kRadians / 2),
         east = fixed_sin((b.longitude - a.longitude) * kRadians / 2);
  double h = south * south +
             fixed_cos(a.latitude * kRadians) * fixed_cos(b.latitude * kRadians) * east * east;
  return 2 * kEarthRadiusKm * fixed_asin(std::sqrt(std::min(1.0, std::max(0.0, h))));
}

double distance_km(uint64_t a, uint64_t b) {
  return a == b ? 0 : distance_km(unpack(a), unpack(b));
}

}  // namespace paywarden
