// Nanoseconds a payment that counting for drift takes, as the engine does it: batches of 256, with 60 features. `first`: of a
// day's first 16,384 payments, whose features are all counted; `busy`: of those behind them, one in 16.
#include <benchmark/benchmark.h>

#include "base/random.h"
#include "drift/drift_book.h"

namespace paywarden {
namespace {

constexpr size_t kFeatures = 60, kBatch = 256;

struct Setting {
  DriftBook book{{}};
  std::vector<float> rows;
  std::vector<WatchedPayment> batch;

  Setting() {
    Random random(1);
    std::vector<float> values(5000);
    for (float& v : values) v = static_cast<float>(random.unit());
    BinReference bins{edges_of(values), {}, 0};
    bins.shares = shares_of(bins.edges, BinCounts{1});
    ModelReference reference{bins, std::vector<BinReference>(kFeatures, bins)};
    std::vector<std::string> names;
    for (size_t f = 0; f < kFeatures; ++f) names.push_back("feature" + std::to_string(f));
    book.use("model", &reference, names);
    rows.resize(kBatch * kFeatures);
    for (float& v : rows) v = static_cast<float>(random.unit());
    for (size_t i = 0; i < kBatch; ++i)
      batch.push_back({EventTime(1000), static_cast<float>(random.unit()), i % 50 == 0, 0,
                       &rows[i * kFeatures]});
  }
  void move_to(int64_t day) {
    for (WatchedPayment& payment : batch) payment.time = EventTime(1000) + days(day);
  }
};

void first(benchmark::State& state) {
  Setting setting;
  uint64_t batches = 0;
  for (auto _ : state) {
    if (batches % (DriftCounts::kEach / kBatch) == 0)
      setting.move_to(static_cast<int64_t>(batches * kBatch / DriftCounts::kEach));
    setting.book.decided(setting.batch, ++batches);
  }
  state.SetItemsProcessed(static_cast<int64_t>(batches * kBatch));
}
void busy(benchmark::State& state) {
  Setting setting;
  uint64_t batches = 0;
  for (; batches < DriftCounts::kEach / kBatch; ++batches)
    setting.book.decided(setting.batch, batches);
  for (auto _ : state) setting.book.decided(setting.batch, ++batches);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kBatch);
}
BENCHMARK(first);
BENCHMARK(busy);

}  // namespace
}  // namespace paywarden

BENCHMARK_MAIN();
