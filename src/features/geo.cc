#include "features/geo.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/fixed_math.h"
#include "base/fixed_math_lanes.h"

namespace paywarden {
namespace {

constexpr double kRadians = 0.017453292519943295;  // pi / 180
constexpr double kEarthRadiusKm = 6371.0088;
constexpr int kAtOnce = 4;  // of eight, g++ 12 takes comparisons apart, lane by lane
using Doubles = fixed::Lanes<kAtOnce>::Doubles;
using Words = fixed::Lanes<kAtOnce>::Words;

[[gnu::always_inline]] inline void load(const double* from, Doubles& to) {
  std::memcpy(&to, from, sizeof to);
}

// distance_km() of four pairs of places. The choice is made before main, and before ThreadSanitizer is ready for it.
#ifndef __SANITIZE_THREAD__
__attribute__((target_clones("avx2", "default")))
#endif
void distances_of_four(
    const double* from_latitude, const double* from_longitude, const double* to_latitude,
    const double* to_longitude, double* km) {
  Doubles a_latitude, a_longitude, b_latitude, b_longitude;
  load(from_latitude, a_latitude);
  load(from_longitude, a_longitude);
  load(to_latitude, b_latitude);
  load(to_longitude, b_longitude);
  Doubles south, east, from_pole, to_pole, angle;
  fixed::sines_of<kAtOnce>((b_latitude - a_latitude) * kRadians / 2, Words{}, south);
  fixed::sines_of<kAtOnce>((b_longitude - a_longitude) * kRadians / 2, Words{}, east);
  fixed::sines_of<kAtOnce>(a_latitude * kRadians, 1 + Words{}, from_pole);
  fixed::sines_of<kAtOnce>(b_latitude * kRadians, 1 + Words{}, to_pole);
  Doubles h = south * south + from_pole * to_pole * east * east;
  h = h > 0.0 ? h : Doubles{};
  h = h < 1.0 ? h : 1.0 + Doubles{};
  for (int i = 0; i < kAtOnce; ++i) h[i] = std::sqrt(h[i]);
  fixed::asin_to_one<kAtOnce>(h, angle);
  angle = 2 * kEarthRadiusKm * angle;
  std::memcpy(km, &angle, sizeof angle);
}

}  // namespace

GeoPoint unpacked(uint64_t place) {
  auto low = static_cast<int32_t>(static_cast<uint32_t>(place)),
       high = static_cast<int32_t>(static_cast<uint32_t>(place >> 32));
  return {low * 1e-7, high * 1e-7};
}

double distance_km(GeoPoint a, GeoPoint b) {
  double sines[4];  // of half the way south and east, and of what the latitudes lack to the pole
  fixed_sines({(b.latitude - a.latitude) * kRadians / 2, (b.longitude - a.longitude) * kRadians / 2,
               a.latitude * kRadians, b.latitude * kRadians},
              {0, 0, 1, 1}, sines);
  double h = sines[0] * sines[0] + sines[2] * sines[3] * sines[1] * sines[1];
  return 2 * kEarthRadiusKm * fixed_asin(std::sqrt(std::min(1.0, std::max(0.0, h))));
}

void DistanceBatch::settle() {
  static_assert(kMost % kAtOnce == 0, "the last four may hold stale pairs, which nobody reads");
  constexpr size_t kAlone = 2;  // so many take longer together than one after the other
  for (size_t first = 0; first < count_; first += kAtOnce) {
    size_t count = std::min<size_t>(kAtOnce, count_ - first);
    double km[kAtOnce];
    if (count > kAlone) {
      distances_of_four(&from_latitude_[first], &from_longitude_[first], &to_latitude_[first],
                        &to_longitude_[first], km);
    } else {
      for (size_t i = 0; i < count; ++i)
        km[i] = distance_km({from_latitude_[first + i], from_longitude_[first + i]},
                            {to_latitude_[first + i], to_longitude_[first + i]});
    }
    for (size_t i = 0; i < count; ++i) {
      int64_t ms = way_ms_[first + i];
      double way = ms == 0 ? km[i] : km[i] * 3'600'000 / static_cast<double>(ms);
      *out_[first + i] = static_cast<float>(way);
    }
  }
  count_ = 0;
}

}  // namespace paywarden
