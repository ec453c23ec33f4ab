#include "drift/drift_counts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace paywarden {
namespace {

constexpr size_t kEdges = 12;  // a multiple of four: compared four at a time
static_assert(kEdges >= kReferenceEdgesMax);

// As bin_of() of reference.h, without branches.
size_t bin_in(const float* edges, float value) {
  int bin = 0;
  for (size_t i = 0; i < kEdges; ++i) bin += edges[i] < value ? 1 : 0;
  return std::isnan(value) ? kMissingBin : static_cast<size_t>(bin);
}

// At full width: short ones side by side could read as a card number to who looks for some in files.
void save_counts(const BinCounts& counts, ByteWriter& out) {
  for (uint64_t n : counts) out.u64(n);
}
void load_counts(BinCounts& counts, ByteReader& in) {
  for (uint64_t& n : counts) n = in.u64();
}

}  // namespace

std::vector<DriftFigure> DriftDay::reaching(double level) const {
  std::vector<DriftFigure> out;
  for (const DriftFigure& figure : figures)
    if (figure.reaches(level)) out.push_back(figure);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.psi > b.psi; });
  return out;
}

DriftCounts::DriftCounts(ModelReference reference, std::vector<std::string> names, size_t days_max)
    : reference_(std::move(reference)), names_(std::move(names)), days_max_(days_max) {
  CHECK(reference_.features.size() == names_.size(), "a reference of other features");
  CHECK(days_max_ > 0, "no day is kept");
  edges_.assign(names_.size() * kEdges, std::numeric_limits<float>::infinity());
  for (size_t f = 0; f < names_.size(); ++f)
    std::copy(reference_.features[f].edges.begin(), reference_.features[f].edges.end(),
              edges_.begin() + static_cast<ptrdiff_t>(f * kEdges));
}

DriftCounts::Day* DriftCounts::of(int32_t day) {
  if (last_place_ && last_ == day) return last_place_;
  auto at = days_.find(day);
  if (at == days_.end()) {
    if (days_.size() == days_max_ && day < days_.begin()->first) return nullptr;
    if (days_.size() == days_max_) days_.erase(days_.begin());
    at = days_.try_emplace(day).first;
    at->second.features.resize(names_.size());
  }
  last_ = day;
  last_place_ = &at->second;
  return last_place_;
}

void DriftCounts::add(int32_t day, float score, const float* row) {
  Day* to = of(day);
  if (!to) return;
  ++to->score[bin_of(reference_.score.edges, score)];
  uint64_t place = to->payments++;
  if (place < kEach)
    count_features(*to, row, 1);
  else if (place % kEvery == 0)
    count_features(*to, row, kEvery);
}

void DriftCounts::add_score(int32_t day, float score) {
  Day* to = of(day);
  if (!to) return;
  ++to->payments;
  ++to->score[bin_of(reference_.score.edges, score)];
}

void DriftCounts::add_features(int32_t day, const float* row) {
  if (Day* to = of(day)) count_features(*to, row, 1);
}

void DriftCounts::count_features(Day& day, const float* row, uint64_t weight) const {
  for (size_t f = 0; f < names_.size(); ++f)
    day.features[f][bin_in(&edges_[f * kEdges], row[f])] += weight;
}

std::vector<int32_t> DriftCounts::days() const {
  std::vector<int32_t> out;
  for (const auto& [day, counts] : days_) out.push_back(day);
  return out;
}

std::optional<int32_t> DriftCounts::newest() const {
  return days_.empty() ? std::nullopt : std::optional(days_.rbegin()->first);
}

std::optional<DriftDay> DriftCounts::figures(int32_t day) const {
  auto at = days_.find(day);
  if (at == days_.end()) return std::nullopt;
  const Day& counted = at->second;
  DriftDay out{day, counted.payments, {}};
  out.figures.push_back(
      {"score", psi(reference_.score, counted.score), reference_.score.day_psi_max});
  for (size_t f = 0; f < names_.size(); ++f)
    out.figures.push_back({names_[f], psi(reference_.features[f], counted.features[f]),
                           reference_.features[f].day_psi_max});
  return out;
}

DriftCounts::Told DriftCounts::told(int32_t day) const {
  auto at = days_.find(day);
  return at == days_.end() ? Told::nothing : at->second.told;
}

void DriftCounts::tell(int32_t day, Told what) {
  if (auto at = days_.find(day); at != days_.end()) at->second.told = what;
}

void DriftCounts::save(ByteWriter& out) const {
  out.varint(names_.size());
  out.varint(days_.size());
  for (const auto& [day, counted] : days_) {
    out.svarint(day);
    out.varint(counted.payments);
    out.u8(static_cast<uint8_t>(counted.told));
    save_counts(counted.score, out);
    for (const BinCounts& feature : counted.features) save_counts(feature, out);
  }
}

bool DriftCounts::load(ByteReader& in) {
  days_.clear();
  last_place_ = nullptr;
  bool same = in.varint() == names_.size();
  uint64_t count = in.varint();
  for (uint64_t i = 0; same && i < count && in.ok(); ++i) {
    Day* day = of(static_cast<int32_t>(in.svarint()));
    if (!day) return false;
    day->payments = in.varint();
    day->told = static_cast<Told>(std::min<uint8_t>(in.u8(), 2));
    load_counts(day->score, in);
    for (BinCounts& feature : day->features) load_counts(feature, in);
  }
  if (same && in.ok()) return true;
  days_.clear();
  last_place_ = nullptr;
  return false;
}

}  // namespace paywarden
