// How many records of the log a second the notification center takes in, one core, at a usual and
// at a wild share of suspicious payments. Figures are records a second, fsync included
// (`items_per_second`).
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "base/random.h"
#include "notify/alerting.h"
#include "notify/test_kit.h"

namespace paywarden {
namespace {

void write_log(FakeLog& log, int payments, double suspicious) {
  Random random(7);
  for (int i = 0; i < payments; ++i) {
    std::string card = "C" + std::to_string(random.below(100'000));
    log.both("payment-" + std::to_string(i), {.card = card, .at = milliseconds(i * 2)},
             random.chance(suspicious) ? Outcome::decline : Outcome::approve, 0.5f);
  }
}

void apply_all(Alerting& alerting, const std::vector<RecordView>& records) {
  for (size_t at = 0; at < records.size(); at += 1000) {
    size_t n = std::min<size_t>(1000, records.size() - at);
    if (!alerting.apply({records.data() + at, n})) std::abort();
  }
}

void alerting_records(benchmark::State& state) {
  FakeLog log;
  write_log(log, std::getenv("PAYWARDEN_BENCH_TINY") ? 500 : 100'000,
            static_cast<double>(state.range(0)) / 1000);
  auto records = log.from(0);
  SystemClock clock;
  SilentLog silent;
  for (auto _ : state) {
    state.PauseTiming();
    TemporaryFolder folder(TemporaryFolder::Where::disk);
    auto store = *Store::open({.path = folder.file("bench.db")});
    Alerting alerting(*store, log.fields(), {.channels = {{.name = "email"}, {.name = "webhook"}}},
                      {clock, silent, {}, {}});
    if (!alerting.start()) std::abort();
    state.ResumeTiming();
    apply_all(alerting, records);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(records.size()));
}
BENCHMARK(alerting_records)
    ->ArgName("suspicious_per_mille")
    ->Arg(5)
    ->Arg(50)
    ->Arg(1000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace paywarden

BENCHMARK_MAIN();
