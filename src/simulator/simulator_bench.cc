// What a simulated payment costs, drawn alone and with its line of text. The aim is 300,000 lines a
// second and more.
#include <benchmark/benchmark.h>

#include "simulator/live_simulator.h"
#include "simulator/simulator.h"

namespace paywarden {
namespace {

constexpr size_t kBufferBytes = 1 << 16;

template <typename Source, typename Write>
void run(benchmark::State& state, Source& source, Write write) {
  SimulatedPayment payment;
  std::string out;
  out.reserve(2 * kBufferBytes);
  for (auto _ : state) {
    source.next(payment);
    write(payment, out);
    if (out.size() > kBufferBytes) out.clear();
  }
  benchmark::DoNotOptimize(out.data());
  state.SetItemsProcessed(state.iterations());
}

void simulate(benchmark::State& state) {
  Simulator simulator = *Simulator::create({});
  run(state, simulator, [](const SimulatedPayment&, std::string&) {});
}
BENCHMARK(simulate);

void simulate_ndjson(benchmark::State& state) {
  Simulator simulator = *Simulator::create({});
  run(state, simulator, [](const SimulatedPayment& p, std::string& out) { p.append_json(out); });
}
BENCHMARK(simulate_ndjson);

void simulate_csv(benchmark::State& state) {
  Simulator simulator = *Simulator::create({});
  run(state, simulator, [](const SimulatedPayment& p, std::string& out) { p.append_csv(out); });
}
BENCHMARK(simulate_csv);

void simulate_live_ndjson(benchmark::State& state) {
  LiveSimulator simulator = *LiveSimulator::create({});
  run(state, simulator, [](const SimulatedPayment& p, std::string& out) { p.append_json(out); });
}
BENCHMARK(simulate_live_ndjson);

}  // namespace
}  // namespace paywarden

BENCHMARK_MAIN();
