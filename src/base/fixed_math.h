// Transcendental functions whose bits depend on nothing but the argument. glibc picks other code
// (and other last bits) where the processor has fused multiply-add; a score or a distance must be
// the same on every machine and in every replay.
//
//   double p = 1.0 / (1.0 + fixed_exp(-margin));
//   double log_amount = fixed_log(1.0 + amount);
//   double angle = 2.0 * fixed_asin(std::sqrt(h));   // std::sqrt is exact already (IEEE 754)
//   fixed_exp(710.0) == infinity; fixed_log(-1.0) is NaN, like libm's
//
// Plain double arithmetic in one fixed order, compiled with -ffp-contract=off. Error bounds, tested
// against long double libm: exp, log, asin, atan2: relative 1e-14 (where the result is a normal
// number); sin, cos: absolute 1e-15 for |x| <= 2^20.
#pragma once

#include <cstdint>

namespace paywarden {

// +infinity above 709.79, subnormal and then 0 below -708.4; NaN stays NaN.
double fixed_exp(double x);
// Natural logarithm; -infinity at 0, NaN below, also right for subnormal x.
double fixed_log(double x);
// Radians. NaN for |x| > 2^20 (165,000 turns: no angle of ours) and for non-finite x.
double fixed_sin(double x);
double fixed_cos(double x);
// Four at once: out[i] = sin(x[i] + quarter_turns[i] * pi / 2), so with 0 the bits of fixed_sin, with 1
// those of fixed_cos.
void fixed_sines(const double (&x)[4], const int64_t (&quarter_turns)[4], double (&out)[4]);
// The angle of (x, y), in [-pi, pi]; zeros and infinities as C's atan2 has them.
double fixed_atan2(double y, double x);
// NaN outside [-1, 1].
double fixed_asin(double x);

}  // namespace paywarden
