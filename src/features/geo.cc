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
  double sines[4];  // of half the way south and east, and of what the latitudes lack to the pole
  fixed_sines({(b.latitude - a.latitude) * kRadians / 2, (b.longitude - a.longitude) * kRadians / 2,
               a.latitude * kRadians, b.latitude * kRadians},
              {0, 0, 1, 1}, sines);
  double h = sines[0] * sines[0] + sines[2] * sines[3] * sines[1] * sines[1];
  return 2 * kEarthRadiusKm * fixed_asin(std::sqrt(std::min(1.0, std::max(0.0, h))));
}

double distance_km(uint64_t a, uint64_t b) {
  return a == b ? 0 : distance_km(unpack(a), unpack(b));
}

}  // namespace paywarden
