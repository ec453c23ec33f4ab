// fixed_math on several doubles in a vector at once: every lane has the bits that the function for one double gives, since each does
// the same additions and multiplications in the same order. Vectors go by reference (how they are passed depends on the processor).
//
//   Lanes<4>::Doubles x = {...}, out;
//   sines_of<4>(x, turns, out);      // in a function with target_clones, or with what the build's processor has
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace paywarden::fixed {

inline constexpr double pi = 3.14159265358979323846;
// pi/2 in pieces (fdlibm, Sun Microsystems 1993): the leading pieces have trailing zero bits, so that k times a piece is exact for the
// k that occur here.
inline constexpr double half_pi_1 = 1.57079632673412561417e+00,
                        half_pi_2 = 6.07710050630396597660e-11,
                        half_pi_3 = 2.02226624879595063154e-21;
inline constexpr double angle_max = 0x1p20;

// Coefficients of the series, rounded once each by the compiler.
struct Series {
  double reciprocal[26];  // 1 / n
  double factorial[20];   // 1 / n!
};
inline constexpr Series series = [] {
  Series s{};
  double product = 1.0;  // exact up to 22!
  for (int n = 1; n < 26; ++n) s.reciprocal[n] = 1.0 / n;
  for (int n = 0; n < 20; ++n) s.factorial[n] = 1.0 / (product *= n ? n : 1);
  return s;
}();
// atan of the multiples of 1/4
inline constexpr double at_quarter[] = {0.0, 0.24497866312686415417, 0.46364760900080611621,
                                        0.64350110879328438680, 0.78539816339744830962};

// Nearest whole number, ties to even, for |x| < 2^51: adding 1.5 * 2^52 leaves no bits for a
// fraction.
inline constexpr double nearest_shift = 0x1.8p52;

// Taylor series of sin and cos for |r| <= pi/4 + a little; the terms left out are below 1e-18. Of a
// double, or of several in a vector.
template <typename Number>
[[gnu::always_inline]] inline void sin_near_zero(const Number& r, Number& out) {
  Number square = r * r, sum = series.factorial[17] + Number{};
  for (int n = 15; n >= 3; n -= 2) sum = series.factorial[n] - square * sum;
  out = r - r * square * sum;
}

template <typename Number>
[[gnu::always_inline]] inline void cos_near_zero(const Number& r, Number& out) {
  Number square = r * r, sum = series.factorial[18] + Number{};
  for (int n = 16; n >= 2; n -= 2) sum = series.factorial[n] - square * sum;
  out = 1.0 - square * sum;
}

// atan(t) for |t| <= 1/7: its series to t^21.
template <typename Number>
[[gnu::always_inline]] inline void atan_near_zero(const Number& t, Number& out) {
  Number square = t * t, sum = Number{};
  for (int n = 21; n >= 1; n -= 2) sum = series.reciprocal[n] - square * sum;
  out = t * sum;
}

template <int count>
struct Lanes {
  using Doubles [[gnu::vector_size(count * 8)]] = double;
  using Words [[gnu::vector_size(count * 8)]] = int64_t;
};

// sin(x + quarter_turns * pi/2); NaN where |x| > angle_max
template <int count>
[[gnu::always_inline]] inline void sines_of(const typename Lanes<count>::Doubles& x,
                                            const typename Lanes<count>::Words& quarter_turns,
                                            typename Lanes<count>::Doubles& out) {
  using Doubles = typename Lanes<count>::Doubles;
  using Words = typename Lanes<count>::Words;
  Doubles shifted = x * (2.0 / pi) + nearest_shift, k = shifted - nearest_shift;
  Doubles r = ((x - k * half_pi_1) - k * half_pi_2) - k * half_pi_3;
  Doubles sine_of, cosine_of;
  sin_near_zero(r, sine_of);
  cos_near_zero(r, cosine_of);
  auto sines = reinterpret_cast<Words>(sine_of), cosines = reinterpret_cast<Words>(cosine_of);
  // The low bits of `shifted` are those of the whole number k.
  Words quarter = (reinterpret_cast<Words>(shifted) + quarter_turns) & 3, odd = -(quarter & 1);
  Words bits = ((sines & ~odd) | (cosines & odd)) ^ ((quarter & 2) << 62);
  Words known = (x <= angle_max) & (x >= -angle_max);
  Doubles nan = std::numeric_limits<double>::quiet_NaN() + Doubles{};
  out = reinterpret_cast<Doubles>((bits & known) | (reinterpret_cast<Words>(nan) & ~known));
}

// asin(x) for 0 <= x <= 1
template <int count>
[[gnu::always_inline]] inline void asin_to_one(const typename Lanes<count>::Doubles& x,
                                               typename Lanes<count>::Doubles& out) {
  using Doubles = typename Lanes<count>::Doubles;
  Doubles across = (1.0 - x) * (1.0 + x);  // the angle is that of (its root, x)
  for (int i = 0; i < count; ++i) across[i] = std::sqrt(across[i]);
  auto steep = x > across;
  Doubles ratio = (steep ? across : x) / (steep ? x : across);
  Doubles quarters = (ratio * 4.0 + nearest_shift) - nearest_shift, c = quarters * 0.25;
  Doubles at_c = Doubles{}, rest;
  for (int q = 1; q <= 4; ++q)
    at_c = quarters == static_cast<double>(q) ? at_quarter[q] + Doubles{} : at_c;
  atan_near_zero((ratio - c) / (1.0 + c * ratio), rest);
  Doubles angle = at_c + rest;
  angle = steep ? pi / 2 - angle : angle;
  out = x == across ? pi / 4 + Doubles{} : angle;
}

}  // namespace paywarden::fixed
