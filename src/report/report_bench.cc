// What an evaluation costs a payment, by its parts: reading decisions, joining (with intake's CSV),
// measuring, the page.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "report/random_sample.h"
#include "report/report.h"

namespace paywarden {
namespace {

size_t payments_wanted() {
  return getenv("PAYWARDEN_BENCH_TINY") ? 2'000 : 1'000'000;
}

Sample sample_wanted() {
  return test::random_sample({.payments = payments_wanted(),
                              .fraud_share = 0.005,
                              .score_levels = 1'000'000,
                              .cards = 100'000,
                              .days = 100},
                             1);
}

// A decisions file as `replay` writes it, gone at the end.
class DecisionsOnDisk {
 public:
  DecisionsOnDisk() {
    std::string pattern = (std::filesystem::temp_directory_path() / "report-bench-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    std::ofstream out(path());
    Decision decision;
    decision.card.assign("411111******1111");
    decision.model = "cards-2020-06";
    std::string line;
    for (const ScoredPayment& p : sample_wanted().payments) {
      decision.payment_id = fmt::format("{:032x}", p.position * 0x9e3779b97f4a7c15ull);
      decision.score = static_cast<float>(p.score);
      line.clear();
      append_json(decision, line);
      out << line << '\n';
    }
  }
  ~DecisionsOnDisk() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  std::string path() const { return directory_ + "/D.ndjson"; }

 private:
  std::string directory_;
};

void time_a_payment(benchmark::State& state, size_t payments) {
  state.counters["time_a_payment"] =
      benchmark::Counter(static_cast<double>(payments * state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void read_decision_file(benchmark::State& state) {
  DecisionsOnDisk file;
  for (auto _ : state) {
    Result<DecisionFile> decisions = read_decisions(file.path());
    if (!decisions) return state.SkipWithError(decisions.error().line().c_str());
    benchmark::DoNotOptimize(decisions->table.size());
  }
  time_a_payment(state, payments_wanted());
}
BENCHMARK(read_decision_file)->Unit(benchmark::kMillisecond);

void measure_sample(benchmark::State& state) {
  const Sample sample = sample_wanted();
  for (auto _ : state) {
    state.PauseTiming();
    Sample copy = sample;
    state.ResumeTiming();
    benchmark::DoNotOptimize(measure(std::move(copy)).ranking.average_precision);
  }
  time_a_payment(state, sample.payments.size());
}
BENCHMARK(measure_sample)->Unit(benchmark::kMillisecond);

void write_page(benchmark::State& state) {
  Metrics metrics = measure(sample_wanted());
  for (auto _ : state)
    benchmark::DoNotOptimize(report_html(metrics, {"D.ndjson", {"data.csv"}}).size());
}
BENCHMARK(write_page)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace paywarden

BENCHMARK_MAIN();
