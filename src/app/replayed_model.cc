#include "app/replayed_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "app/progress.h"
#include "app/setup.h"
#include "base/random.h"
#include "report/case_reasons.h"
#include "training/history.h"

namespace paywarden {
namespace {

// Means of so many: their standard error is a hundredth of the feature's spread, or a fiftieth; explaining them takes about a second.
constexpr size_t kPaymentsDrawn = 10'000, kFraudsDrawn = 2'500;
constexpr uint64_t kSeed = 1;  // the same report of the same files

// Rows drawn from a stream at random, each with the same chance (algorithm R; Vitter 1985, doi:10.1145/3147.3165).
class DrawnRows {
 public:
  DrawnRows(size_t columns, size_t most) : columns_(columns), most_(most), random_(kSeed) {}
  void offer(const float* row) {
    size_t place = offered_ < most_ ? offered_ : random_.below(offered_ + 1);
    ++offered_;
    if (place >= most_) return;
    if (place == count()) values_.resize(values_.size() + columns_);
    std::copy_n(row, columns_, &values_[place * columns_]);
  }
  size_t count() const { return values_.size() / columns_; }
  const float* row(size_t i) const { return &values_[i * columns_]; }

 private:
  size_t columns_, most_, offered_ = 0;
  Random random_;
  std::vector<float> values_;
};

// Mean absolute contribution of each feature.
std::vector<double> mean_pushes(const BundleModel& model, const std::vector<std::string>& features,
                                const DrawnRows& rows) {
  if (rows.count() == 0)
    return std::vector<double>(features.size(), std::numeric_limits<double>::quiet_NaN());
  std::unordered_map<std::string_view, size_t> places;
  for (size_t f = 0; f < features.size(); ++f) places[features[f]] = f;
  std::vector<double> sums(features.size());
  std::vector<Reason> reasons;
  auto scratch = model.scratch();
  for (size_t i = 0; i < rows.count(); ++i) {
    model.explain(rows.row(i), *scratch, features.size(), reasons);
    for (const Reason& reason : reasons)
      sums[places.at(reason.feature)] += std::abs(reason.contribution);
  }
  for (double& sum : sums) sum /= static_cast<double>(rows.count());
  return sums;
}

class ModelSink : public HistorySink {
 public:
  ModelSink(Core& core, const BundleModel& model, std::optional<EventTime> from, DriftCounts* drift,
            Metrics& metrics)
      : core_(core),
        model_(model),
        from_(from),
        drift_(drift),
        scratch_(model.scratch()),
        row_(core.features().specs().size()),
        payments_(row_.size(), kPaymentsDrawn),
        frauds_(row_.size(), kFraudsDrawn) {
    if (metrics.models.size() > 1) return;  // it may not be this one that scored a case
    for (const auto& [id, shown] : cases_of(metrics))
      if (shown->reasons.empty()) unexplained_.emplace(id, shown);
  }
  Status payments(std::span<FileRow> rows) override {
    for (FileRow& row : rows) {
      if (admit(core_, row, ++sequence_) != Sighting::fresh) continue;
      core_.observe(row.payment, row_.data());
      if (!from_ || row.payment.event_time >= *from_) look_at(row);
    }
    return {};
  }
  Status label(const Label& label, const Payment& payment) override {
    core_.label(label, &payment);
    return {};
  }
  ImportanceMetrics importance() const {
    std::vector<std::string> names = core_.features().names();
    std::vector<double> all = mean_pushes(model_, names, payments_),
                        frauds = mean_pushes(model_, names, frauds_);
    ImportanceMetrics out{model_.name(), payments_.count(), frauds_.count(), {}};
    for (size_t f = 0; f < names.size(); ++f) out.features.push_back({names[f], all[f], frauds[f]});
    std::stable_sort(out.features.begin(), out.features.end(),
                     [](const auto& a, const auto& b) { return a.of_payments > b.of_payments; });
    return out;
  }

 private:
  void look_at(const FileRow& row) {
    if (drift_) drift_->add_features(day_of(row.payment.event_time), row_.data());
    payments_.offer(row_.data());
    if (row.label.value_or(false)) frauds_.offer(row_.data());
    auto [first, last] = unexplained_.equal_range(row.payment.id());
    if (first == last) return;
    std::vector<std::string> reasons = reasons_of(row.payment);
    for (; first != last; ++first) first->second->reasons = reasons;
  }
  std::vector<std::string> reasons_of(const Payment& payment) {
    std::vector<Reason> reasons;
    model_.explain(row_.data(), *scratch_, kCaseReasonsMax, reasons);
    core_.sentences().say(payment, reasons);
    std::vector<std::string> out;
    for (const Reason& reason : reasons)
      out.push_back(case_reason(reason.text, reason.contribution));
    return out;
  }

  Core& core_;
  const BundleModel& model_;
  std::optional<EventTime> from_;
  DriftCounts* drift_;
  std::unique_ptr<Model::Scratch> scratch_;
  std::vector<float> row_;
  DrawnRows payments_, frauds_;
  CasesById unexplained_;
  uint64_t sequence_ = 0;
};

}  // namespace

Status add_model(const Config& config, const BundleModel& model,
                 const std::vector<std::string>& files, std::optional<EventTime> from,
                 DriftCounts* drift, Metrics& metrics) {
  TRY_ASSIGN(Tokeniser tokeniser, load_card_key(config, CardKeyFor::this_run));
  TRY_ASSIGN(auto source, open_data_again(config, tokeniser, files));
  TRY_ASSIGN(auto core, configured_core(config, nullptr));
  ModelSink sink(*core, model, from, drift, metrics);
  Progress progress("features");
  auto played = play_history(*source, config.features.options().label_delay, sink,
                             [&](const FileProgress& now) { progress.show(now); });
  if (!played) return tl::unexpected(played.error());
  progress.finish(source->progress().rows);
  metrics.importance = sink.importance();
  if (drift) metrics.drift = drift_of(*drift, model.name(), config.drift);
  return {};
}

}  // namespace paywarden
