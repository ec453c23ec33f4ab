// For tests: librdkafka's broker of one process (rdkafka_mock.h), which fails where it is told to. It knows no transactions' markers,
// and keeps some 5 MB a partition.
//
//   MockBroker broker({{"payments", 1}, {"paywarden.decisions", 3}});
//   auto reader = KafkaReader::create(broker.client(), "test", log);
//   broker.set_down();  broker.set_up();
#pragma once

#include <librdkafka/rdkafka_mock.h>

#include <map>
#include <string>

#include "kafka/client.h"

namespace paywarden {

class MockBroker {
 public:
  explicit MockBroker(const std::map<std::string, int>& topics) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "3", nullptr, 0);  // it complains of no brokers
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    cluster_ = rd_kafka_mock_cluster_new(handle_, 1);
    for (const auto& [name, partitions] : topics)
      rd_kafka_mock_topic_create(cluster_, name.c_str(), partitions, 1);
  }
  ~MockBroker() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(handle_);
  }
  MockBroker(const MockBroker&) = delete;
  MockBroker& operator=(const MockBroker&) = delete;

  KafkaClientOptions client() const {
    KafkaClientOptions options;
    options.properties.values["bootstrap.servers"] = rd_kafka_mock_cluster_bootstraps(cluster_);
    return options;
  }
  rd_kafka_mock_cluster_t* cluster() { return cluster_; }
  void set_down() { rd_kafka_mock_broker_set_down(cluster_, 1); }
  void set_up() { rd_kafka_mock_broker_set_up(cluster_, 1); }

 private:
  rd_kafka_t* handle_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

}  // namespace paywarden
