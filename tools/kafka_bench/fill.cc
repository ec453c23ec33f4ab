#include <fmt/format.h>

#include "handles.h"
#include "kafka/topics.h"
#include "simulator/simulator.h"

namespace paywarden::kafka_bench {

Status fill(const Bench& bench, const FillOptions& options) {
  TRY_ASSIGN(auto producer, plain_producer(bench, "20"));
  TRY(ensure_topics(*producer, {{options.topic, 1, days(60)}}, {}, seconds(30)));
  SimulatorOptions world;
  world.seed = options.seed;
  TRY_ASSIGN(Simulator simulator, Simulator::create(world));
  SimulatedPayment payment;
  std::string json;
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < options.payments; ++i) {
    simulator.next(payment);
    json.clear();
    payment.append_json(json, Labels::left_out);
    json.pop_back();  // the end of the line
    bytes += json.size();
    TRY(put(*producer, options.topic, json, 0));
  }
  TRY(flush(*producer));
  fmt::print("payments={} payment_bytes={}\n", options.payments, bytes / options.payments);
  return {};
}

}  // namespace paywarden::kafka_bench
