#include "training/reference.h"

#include <algorithm>
#include <map>

namespace paywarden {
namespace {

constexpr size_t kRowsSorted =
    200'000;  // edges are found on: a tenth's edge is right to a fraction of a percent
constexpr uint64_t kDayRowsMin = 200;

using DayCounts = std::map<int32_t, BinCounts>;

uint64_t total(const BinCounts& counts) {
  uint64_t sum = 0;
  for (uint64_t n : counts) sum += n;
  return sum;
}

// Days before `from` count in the whole alone.
BinReference reference_of(std::vector<float> edges, const DayCounts& by_day, int32_t from) {
  BinCounts whole{};
  for (const auto& [day, counts] : by_day)
    for (size_t bin = 0; bin < whole.size(); ++bin) whole[bin] += counts[bin];
  BinReference out{std::move(edges), {}, 0};
  out.shares = shares_of(out.edges, whole);
  for (const auto& [day, counts] : by_day)
    if (day >= from && total(counts) >= kDayRowsMin)
      out.day_psi_max = std::max(out.day_psi_max, psi(out, counts));
  return out;
}

std::vector<std::vector<float>> edges_of_features(const Dataset& data) {
  size_t step = data.rows() / kRowsSorted + 1;
  std::vector<std::vector<float>> edges;
  for (size_t column = 0; column < data.columns(); ++column) {
    std::vector<float> values;
    for (size_t i = 0; i < data.rows(); i += step) values.push_back(data.row(i)[column]);
    edges.push_back(edges_of(std::move(values)));
  }
  return edges;
}

std::vector<BinReference> references_of_features(const Dataset& data) {
  std::vector<std::vector<float>> edges = edges_of_features(data);
  std::map<int32_t, std::vector<BinCounts>> by_day;
  for (size_t i = 0; i < data.rows(); ++i) {
    auto& counts = by_day.try_emplace(day_of(data.time(i)), data.columns()).first->second;
    for (size_t column = 0; column < data.columns(); ++column)
      ++counts[column][bin_of(edges[column], data.row(i)[column])];
  }
  std::vector<BinReference> out;
  for (size_t column = 0; column < data.columns(); ++column) {
    DayCounts of_column;
    for (const auto& [day, counts] : by_day) of_column[day] = counts[column];
    out.push_back(
        reference_of(std::move(edges[column]), of_column, day_of(data.time(data.rows() / 2))));
  }
  return out;
}

BinReference reference_of_score(const std::vector<SlicePayment>& slice) {
  std::vector<float> scores;
  for (const SlicePayment& payment : slice) scores.push_back(payment.score);
  std::vector<float> edges = edges_of(std::move(scores));
  DayCounts by_day;
  for (const SlicePayment& payment : slice)
    ++by_day[payment.event_day][bin_of(edges, payment.score)];
  int32_t from = by_day.empty() ? 0 : by_day.begin()->first;
  return reference_of(std::move(edges), by_day, from);
}

}  // namespace

ModelReference reference_of(const Dataset& data, const std::vector<SlicePayment>& slice) {
  ModelReference reference;
  reference.score = reference_of_score(slice);
  if (data.rows() > 0) reference.features = references_of_features(data);
  return reference;
}

}  // namespace paywarden
