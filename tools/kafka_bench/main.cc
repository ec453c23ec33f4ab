// paywarden-kafka-bench: the parts of a measurement on Kafka. See --help, parts.h and measure.sh.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>

#include "parts.h"

namespace paywarden::kafka_bench {
namespace {

class ErrorLines : public OperatorLog {
 public:
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override {
    if (level < LogLevel::warning) return;
    std::string line(event);
    for (const LogField& field : fields) line += fmt::format(" {}={}", field.name, field.value);
    fmt::print(stderr, "{}\n", line);
  }
};

int run(int argc, char** argv) {
  CLI::App app("Parts of a measurement on Kafka; measure.sh puts them together.",
               "paywarden-kafka-bench");
  app.require_subcommand(1);
  std::string bootstrap;
  app.add_option("--bootstrap", bootstrap, "the brokers: host:port")->required();
  FillOptions fill_options;
  auto* fill_command = app.add_subcommand("fill", "Simulated payments into a topic");
  fill_command->add_option("--topic", fill_options.topic)->required();
  fill_command->add_option("--payments", fill_options.payments);
  fill_command->add_option("--seed", fill_options.seed);
  WatchOptions watch_options;
  auto* watch_command = app.add_subcommand("watch", "How fast a group works a topic off");
  watch_command->add_option("--group", watch_options.group)->required();
  watch_command->add_option("--topic", watch_options.topic)->required();
  watch_command->add_option("--decisions", watch_options.decisions)->required();
  watch_command->add_option("--payments", watch_options.payments);
  watch_command->add_option("--pid", watch_options.pid, "of the group's process")->required();
  MinimalOptions minimal_options;
  auto* minimal_command = app.add_subcommand("minimal", "Consume, produce, commit; no more");
  minimal_command->add_option("--topic", minimal_options.topic)->required();
  minimal_command->add_option("--out", minimal_options.out)->required();
  minimal_command->add_option("--payments", minimal_options.payments);
  minimal_command->add_option("--batch", minimal_options.batch, "payments of a transaction");
  minimal_command->add_option("--key-bytes", minimal_options.key_bytes);
  minimal_command->add_option("--value-bytes", minimal_options.value_bytes);
  LatencyOptions latency_options;
  auto* latency_command = app.add_subcommand("latency", "From a payment to its visible decision");
  latency_command->add_option("--topic", latency_options.topic)->required();
  latency_command->add_option("--decisions", latency_options.decisions)->required();
  latency_command->add_option("--rate", latency_options.rate, "payments a second");
  latency_command->add_option("--seconds", latency_options.seconds);
  latency_command->add_option("--warm-seconds", latency_options.warm_seconds, "not counted");
  CLI11_PARSE(app, argc, argv);

  ErrorLines log;
  KafkaClientOptions client;
  client.properties.values["bootstrap.servers"] = bootstrap;
  client.client_id = "paywarden-kafka-bench";
  Bench bench{client, log};
  Status done;
  if (*fill_command) done = fill(bench, fill_options);
  if (*watch_command) done = watch(bench, watch_options);
  if (*minimal_command) done = minimal(bench, minimal_options);
  if (*latency_command) done = latency(bench, latency_options);
  if (!done) fmt::print(stderr, "paywarden-kafka-bench: {}\n", done.error().line());
  return done ? 0 : 1;
}

}  // namespace
}  // namespace paywarden::kafka_bench

int main(int argc, char** argv) {
  return paywarden::kafka_bench::run(argc, argv);
}
