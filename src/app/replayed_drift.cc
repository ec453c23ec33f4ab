#include "app/replayed_drift.h"

#include "app/progress.h"
#include "app/setup.h"
#include "training/history.h"

namespace paywarden {
namespace {

constexpr size_t kDaysMax = 36'525;  // a hundred years

class DriftSink : public HistorySink {
 public:
  DriftSink(Core& core, DriftCounts& counts, std::optional<EventTime> from)
      : core_(core), counts_(counts), from_(from), row_(core.features().specs().size()) {}
  Status payments(std::span<FileRow> rows) override {
    for (FileRow& row : rows) {
      uint64_t earlier = 0;
      if (core_.admit(row.payment, ++sequence_, earlier) != Sighting::fresh) continue;
      core_.observe(row.payment, row_.data());
      if (!from_ || row.payment.event_time >= *from_)
        counts_.add_features(day_of(row.payment.event_time), row_.data());
    }
    return {};
  }
  Status label(const Label& label, const Payment& payment) override {
    core_.label(label, &payment);
    return {};
  }

 private:
  Core& core_;
  DriftCounts& counts_;
  std::optional<EventTime> from_;
  std::vector<float> row_;
  uint64_t sequence_ = 0;
};

}  // namespace

Result<DriftCounts> replayed_drift(const Config& config, const Bundle& bundle,
                                   const std::vector<std::string>& files,
                                   std::optional<EventTime> from) {
  if (!bundle.reference)
    return fail("the bundle does not say what it was trained on", bundle.name,
                "train it again, or leave --model out");
  TRY_ASSIGN(Tokeniser tokeniser, load_card_key(config, CardKeyFor::this_run));
  SystemClock clock;
  TRY_ASSIGN(DataFiles data, open_data(config, tokeniser, files, clock));
  TRY_ASSIGN(auto core, configured_core(config, nullptr));
  DriftCounts counts(*bundle.reference, config.features.names(), kDaysMax);
  DriftSink sink(*core, counts, from);
  Progress progress("features");
  auto played = play_history(*data.source, config.features.options().label_delay, sink,
                             [&](const FileProgress& now) { progress.show(now); });
  if (!played) return tl::unexpected(played.error());
  progress.finish(data.source->progress().rows);
  return counts;
}

}  // namespace paywarden
