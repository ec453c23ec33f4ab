// The parts of a measurement on Kafka, each a command of paywarden-kafka-bench; measure.sh puts them together.
//
//   TRY(fill({bench, "payments", 500'000}));                    // a backlog
//   TRY(watch({bench, "paywarden", "payments", ..., pid}));     // how fast a program works it off, and on how much CPU
//   TRY(minimal({bench, "payments", "copies", ...}));           // the least that any program could do
//   TRY(latency({bench, "payments", "paywarden.decisions", 2'000, ...}));
//
// Each prints one line of `name=value`. All topics have one partition. Client settings that are not said here are
// librdkafka's own.
#pragma once

#include <string>

#include "base/result.h"
#include "kafka/client.h"

namespace paywarden::kafka_bench {

struct Bench {
  KafkaClientOptions client;
  OperatorLog& log;
};

// Simulated payments into a topic, which is made.
struct FillOptions {
  std::string topic;
  uint64_t payments = 500'000;
  uint64_t seed = 1;
};
Status fill(const Bench& bench, const FillOptions& options);

// From a group's first commit on a topic to the one behind its last record: records a second, and what process `pid` used of
// processors meanwhile. Then reads what became visible: it is an error unless that is one record a payment.
struct WatchOptions {
  std::string group, topic, decisions;
  uint64_t payments = 500'000;
  int pid = 0;
  int timeout_s = 120;
};
Status watch(const Bench& bench, const WatchOptions& options);

// Consumes each payment, produces a record of the given size for it, and commits offsets in the same transaction, `batch`
// payments each. Measured as watch() does, on this process.
struct MinimalOptions {
  std::string topic, out;
  uint64_t payments = 500'000;
  uint64_t batch = 1'000;
  size_t key_bytes = 32, value_bytes = 300;
};
Status minimal(const Bench& bench, const MinimalOptions& options);

// Open loop: payment i is due at start + i / rate, whatever became of the ones before. From then (also the record's timestamp) to
// the moment when a consumer that reads what is committed holds the decision.
struct LatencyOptions {
  std::string topic, decisions;
  double rate = 2'000;
  double seconds = 30, warm_seconds = 5;  // the first are not counted
  uint32_t customers = 200'000;           // so many that a card does not pay every second
  int timeout_s = 30;                     // for the last decisions
};
Status latency(const Bench& bench, const LatencyOptions& options);

}  // namespace paywarden::kafka_bench
