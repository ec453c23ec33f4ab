// The tables behind sampling.h, computed by the compiler.
#include "simulator/sampling.h"

#include "base/check.h"

namespace paywarden {
namespace {

constexpr int kExpRange = 4;
constexpr int kExpSteps = 256;  // a unit
constexpr int kExpCount = 2 * kExpRange * kExpSteps + 2;

constexpr double exp_by_series(double x) {  // |x| <= 1/256: 8 terms are exact to a double
  double term = 1, sum = 1;
  for (int n = 1; n <= 8; ++n) {
    term *= x / n;
    sum += term;
  }
  return sum;
}

constexpr std::array<double, kExpCount> make_exp_table() {
  std::array<double, kExpCount> table{};
  const double step = exp_by_series(1.0 / kExpSteps);
  double start = 1;
  for (int i = 0; i < kExpRange * kExpSteps; ++i) start /= step;
  for (double& value : table) {
    value = start;
    start *= step;
  }
  return table;
}

constexpr std::array<double, kExpCount> kExp = make_exp_table();
constexpr double kPoissonPiece = 3.0;  // means above are drawn in pieces: e^-x stays in the table

int poisson_piece(Random& random, double mean) {
  double left = random.unit(), share = exp_from_table(-mean);
  int count = 0;
  for (; left >= share && count < 40; share *= mean / count) {
    left -= share;
    ++count;
  }
  return count;
}

}  // namespace

double exp_from_table(double x) {
  double at = (x + kExpRange) * kExpSteps;
  if (at < 0) at = 0;
  if (at > kExpCount - 2) at = kExpCount - 2;
  auto index = static_cast<size_t>(at);
  return kExp[index] + (kExp[index + 1] - kExp[index]) * (at - static_cast<double>(index));
}

double normal(Random& random) {
  uint64_t bits = random.next();
  auto sum = static_cast<int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) +
                                  (bits >> 48));
  constexpr double kDeviation = 37837.2;  // of the sum: 65536 * sqrt(4 / 12)
  return static_cast<double>(sum - 131'070) / kDeviation;
}

double log_normal(Random& random, double sigma) {
  return exp_from_table(sigma * normal(random));
}

int poisson(Random& random, double mean) {
  int count = 0;
  for (; mean > kPoissonPiece; mean -= kPoissonPiece) count += poisson_piece(random, kPoissonPiece);
  return count + poisson_piece(random, mean);
}

Lottery::Lottery(std::span<const double> weights) {
  double total = 0;
  for (double weight : weights) total += weight;
  CHECK(total > 0 && weights.size() <= 256, "a lottery needs 1 to 256 weights, not all zero");
  double sum = 0;
  size_t ticket = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    auto end = static_cast<size_t>(sum / total * static_cast<double>(tickets_.size()) + 0.5);
    for (; ticket < end && ticket < tickets_.size(); ++ticket)
      tickets_[ticket] = static_cast<uint8_t>(i);
  }
}

}  // namespace paywarden
