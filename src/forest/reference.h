// How scores and features were distributed where the model was trained, in bins, and how far a later distribution is from
// that: the population stability index of credit scoring (N. Siddiqi, "Credit Risk Scorecards", Wiley 2006, chapter 11),
//
//   PSI = sum over the bins of (actual - expected) * ln(actual / expected),   of shares
//
// 0: the same; from about 0.1 on worth a look, from about 0.25 on another population (the same book's rule of thumb). A bin
// without anything counts as a share of kShareFloor: its logarithm would be infinite.
//
//   BinReference reference{.edges = edges_of(values), .shares = {}};
//   reference.shares = shares_of(reference, counts_of_training);
//   BinCounts today{};
//   ++today[bin_of(reference.edges, value)];
//   double far = psi(reference, today);
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace paywarden {

inline constexpr size_t kReferenceBins = 10;      // of equal counts, where there are as many values
inline constexpr size_t kReferenceEdgesMax = 10;  // nine values take ten edges: see edges_of()
inline constexpr size_t kMissingBin = kReferenceEdgesMax + 1;  // of NaN
inline constexpr double kShareFloor = 1e-4;

using BinCounts = std::array<uint64_t, kMissingBin + 1>;

struct BinReference {
  std::vector<float> edges;  // ascending: bin i holds values above edges[i - 1] and up to edges[i]
  std::vector<double> shares;  // of each bin, edges.size() + 1 of them, and last of missing values
  // The highest PSI that a single day had itself, against the whole. A weekday's is far above any level each day, and
  // means nothing.
  double day_psi_max = 0;
};

struct ModelReference {
  BinReference score;
  std::vector<BinReference> features;  // in the order of the row
};

// Of up to nine different values each gets a bin, and what is below or above all of them; of more, ten bins of counts as
// equal as ties allow. NaN is left out.
std::vector<float> edges_of(std::vector<float> values);
size_t bin_of(std::span<const float> edges, float value);
std::vector<double> shares_of(std::span<const float> edges, const BinCounts& counts);
// NaN where nothing was counted.
double psi(const BinReference& reference, const BinCounts& counts);
Status check_reference(const BinReference& reference);

}  // namespace paywarden
