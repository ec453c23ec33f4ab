// Random draws beyond base/random.h that come out the same on every machine: tables made by plain
// arithmetic, no libm (its exp and log change bits with the processor and the library's version).
//
//   Lottery hour_of_day(weights);                // weights: any non-negative numbers, not all zero
//   size_t hour = hour_of_day.draw(random);
//   int64_t cents = int64_t(2800 * log_normal(random, 0.8));   // median 28.00
//   int payments = poisson(random, 1.5);
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/random.h"

namespace paywarden {

// e^x for |x| <= 4, from a table with steps of 1/256, linear between them (relative error below
// 2e-6).
double exp_from_table(double x);

// About standard normal: four uniform numbers added (Irwin-Hall), so never beyond 3.47.
double normal(Random& random);

// exp(sigma * normal): median 1, mean about exp(sigma^2 / 2). 0 <= sigma <= 1.1.
double log_normal(Random& random, double sigma);

// How many events of a Poisson process with this mean; 0 <= mean <= 200.
int poisson(Random& random, double mean);

// Draws an index by weight in one step, at a resolution of 1/1024 (smaller weights may never be
// drawn).
class Lottery {
 public:
  Lottery() = default;
  explicit Lottery(std::span<const double> weights);  // at most 256 of them
  size_t draw(Random& random) const { return tickets_[random.next() >> 54]; }

 private:
  std::array<uint8_t, 1024> tickets_{};
};

}  // namespace paywarden
