#include "base/fixed_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/fixed_math_lanes.h"

namespace paywarden {
namespace {

using namespace fixed;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// ln 2 in pieces, as half_pi_1.
constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;

double nearest(double x) {
  return (x + nearest_shift) - nearest_shift;
}

double power_of_two(int64_t exponent) {  // -1022..1023
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52);
}

// e^r for |r| <= ln 2 / 2 + a little: Taylor to r^13, the next term is below 5e-18. Even and odd
// powers run side by side.
double exp_near_zero(double r) {
  double square = r * r, even = series.factorial[12], odd = series.factorial[13];
  for (int n = 10; n >= 2; n -= 2) {
    even = series.factorial[n] + square * even;
    odd = series.factorial[n + 1] + square * odd;
  }
  return 1.0 + (r + square * (even + r * odd));
}

// sin(x + quarter_turns * pi/2)
double sine(double x, int64_t quarter_turns) {
  if (!(std::fabs(x) <= angle_max)) return nan;
  double k = nearest(x * (2.0 / pi));
  double r = ((x - k * half_pi_1) - k * half_pi_2) - k * half_pi_3;
  auto quarter = static_cast<uint64_t>(static_cast<int64_t>(k) + quarter_turns);
  double out;
  quarter & 1 ? cos_near_zero(r, out) : sin_near_zero(r, out);
  return quarter & 2 ? -out : out;
}

// atan(x) for 0 <= x <= 1: atan(c) + atan((x - c) / (1 + c x)) with the multiple c of 1/4 that is
// nearest to x.
double atan_to_one(double x) {
  double quarters = nearest(x * 4.0), c = quarters * 0.25, rest;
  atan_near_zero((x - c) / (1.0 + c * x), rest);
  return at_quarter[static_cast<int>(quarters)] + rest;
}

// The angle in the first quadrant of x >= 0, y >= 0.
double first_quadrant(double y, double x) {
  if (y == x) return x == 0.0 ? 0.0 : pi / 4;
  return y < x ? atan_to_one(y / x) : pi / 2 - atan_to_one(x / y);
}

}  // namespace

double fixed_exp(double x) {
  if (std::isnan(x)) return x;
  if (x > 709.79) return infinity;
  if (x < -745.14) return 0.0;
  double k = nearest(x * 1.44269504088896338700);
  double r = (x - k * ln2_high) - k * ln2_low;
  // In two steps, as 2^1024 and 2^-1074 have no place in one exponent.
  int64_t half = static_cast<int64_t>(k) / 2;
  return exp_near_zero(r) * power_of_two(half) * power_of_two(static_cast<int64_t>(k) - half);
}

double fixed_log(double x) {
  if (std::isnan(x) || x < 0.0) return nan;
  if (x == 0.0) return -infinity;
  if (x == infinity) return x;
  double k = 0.0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    k = -54.0;
  }
  uint64_t bits = std::bit_cast<uint64_t>(x);
  k += static_cast<double>(static_cast<int64_t>(bits >> 52) - 1023);
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull);
  if (m > 1.41421356237309504880) {
    m *= 0.5;
    k += 1.0;
  }
  // log m = 2 atanh(s), its series to s^23; |s| <= 0.172.
  double s = (m - 1.0) / (m + 1.0), square = s * s, fourth = square * square;
  double even = series.reciprocal[21],
         odd = series.reciprocal[23];  // s^0, s^4, ... and s^2, s^6, ...
  for (int n = 17; n >= 1; n -= 4) {
    even = series.reciprocal[n] + fourth * even;
    odd = series.reciprocal[n + 2] + fourth * odd;
  }
  return k * ln2_high + (2.0 * s * (even + square * odd) + k * ln2_low);
}

double fixed_sin(double x) {
  return sine(x, 0);
}

double fixed_cos(double x) {
  return sine(x, 1);
}

// AVX2 does in one instruction what takes SSE2 two; it brings no fused multiply-add, so the bits are
// the same. The choice is made before main, and before ThreadSanitizer is ready for it.
#ifndef __SANITIZE_THREAD__
__attribute__((target_clones("avx2", "default")))
#endif
void fixed_sines(
    const double (&x)[4], const int64_t (&quarter_turns)[4], double (&out)[4]) {
  Lanes<4>::Doubles v = {x[0], x[1], x[2], x[3]}, sines;
  Lanes<4>::Words turns = {quarter_turns[0], quarter_turns[1], quarter_turns[2], quarter_turns[3]};
  sines_of<4>(v, turns, sines);
  for (int i = 0; i < 4; ++i) out[i] = sines[i];
}

double fixed_atan2(double y, double x) {
  if (std::isnan(x) || std::isnan(y)) return nan;
  double angle = first_quadrant(std::fabs(y), std::fabs(x));
  if (std::signbit(x)) angle = pi - angle;
  return std::copysign(angle, y);
}

double fixed_asin(double x) {
  if (!(std::fabs(x) <= 1.0)) return nan;
  return fixed_atan2(x, std::sqrt((1.0 - x) * (1.0 + x)));
}

}  // namespace paywarden
