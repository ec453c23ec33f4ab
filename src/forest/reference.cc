#include "forest/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace paywarden {
namespace {

struct Run {
  float value;
  size_t count;
};

std::vector<Run> runs_of(std::vector<float> values) {
  std::erase_if(values, [](float v) { return std::isnan(v); });
  std::sort(values.begin(), values.end());
  std::vector<Run> runs;
  for (float v : values) {
    if (runs.empty() || runs.back().value != v) runs.push_back({v, 0});
    ++runs.back().count;
  }
  return runs;
}

double term(double actual, double expected) {
  actual = std::max(actual, kShareFloor);
  expected = std::max(expected, kShareFloor);
  return (actual - expected) * std::log(actual / expected);
}

}  // namespace

std::vector<float> edges_of(std::vector<float> values) {
  std::vector<Run> runs = runs_of(std::move(values));
  std::vector<float> edges;
  if (runs.empty()) return edges;
  if (runs.size() < kReferenceEdgesMax) {
    edges.push_back(std::nextafter(runs[0].value, -std::numeric_limits<float>::infinity()));
    for (const Run& run : runs) edges.push_back(run.value);
    std::erase_if(edges, [](float edge) { return std::isinf(edge); });  // nothing lies beyond it
    return edges;
  }
  size_t left = 0;
  for (const Run& run : runs) left += run.count;
  // A value that many payments have fills a bin alone; the others share what is left of values and bins.
  for (size_t i = 0, in_bin = 0; i + 1 < runs.size() && edges.size() + 1 < kReferenceBins; ++i) {
    in_bin += runs[i].count;
    if (in_bin * (kReferenceBins - edges.size()) < left) continue;
    edges.push_back(runs[i].value);
    left -= in_bin;
    in_bin = 0;
  }
  std::erase_if(edges, [](float edge) { return std::isinf(edge); });
  return edges;
}

size_t bin_of(std::span<const float> edges, float value) {
  if (std::isnan(value)) return kMissingBin;
  size_t bin = 0;
  for (float edge : edges) bin += edge < value;
  return bin;
}

std::vector<double> shares_of(std::span<const float> edges, const BinCounts& counts) {
  double all = 0;
  for (uint64_t n : counts) all += static_cast<double>(n);
  auto share = [&](size_t bin) { return all > 0 ? static_cast<double>(counts[bin]) / all : 0; };
  std::vector<double> shares;
  for (size_t bin = 0; bin <= edges.size(); ++bin) shares.push_back(share(bin));
  shares.push_back(share(kMissingBin));
  return shares;
}

double psi(const BinReference& reference, const BinCounts& counts) {
  std::vector<double> actual = shares_of(reference.edges, counts);
  double sum = 0, all = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    sum += term(actual[i], reference.shares[i]);
    all += actual[i];
  }
  return all > 0 ? sum : std::numeric_limits<double>::quiet_NaN();
}

Status check_reference(const BinReference& reference) {
  const std::vector<float>& edges = reference.edges;
  if (edges.size() > kReferenceEdgesMax) return fail("a reference has too many edges");
  for (size_t i = 0; i < edges.size(); ++i)
    if (std::isnan(edges[i]) || (i > 0 && edges[i] <= edges[i - 1]))
      return fail("a reference's edges do not ascend");
  if (reference.shares.size() != edges.size() + 2)
    return fail("a reference has not two shares more than edges");
  for (double share : reference.shares)
    if (!(share >= 0 && share <= 1)) return fail("a reference has a share outside of 0 to 1");
  if (!(reference.day_psi_max >= 0)) return fail("a reference's day_psi_max is negative");
  return {};
}

}  // namespace paywarden
