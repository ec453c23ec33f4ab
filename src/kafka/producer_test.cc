#include "kafka/producer.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka_mock.h>

namespace paywarden {
namespace {

// Librdkafka's own broker of one process (rdkafka_mock.h): it fails where it is told to.
class TransactionalProducerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "3", nullptr, 0);  // it complains of no brokers
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    cluster_ = rd_kafka_mock_cluster_new(handle_, 1);
    rd_kafka_mock_topic_create(cluster_, "decisions", 1, 1);
    options_.properties.values["bootstrap.servers"] = rd_kafka_mock_cluster_bootstraps(cluster_);
  }
  void TearDown() override {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(handle_);
  }
  Result<std::unique_ptr<TransactionalProducer>> producer() {
    return TransactionalProducer::create(options_, "decide-1", {}, log_);
  }
  // A transaction of one record and its offset.
  static Status one(TransactionalProducer& producer) {
    const std::string topic = "decisions";
    TRY(producer.begin());
    TRY(producer.produce({topic, "card", "approve", "payments:0:7"}));
    return producer.commit("payments", {{0, 8}},
                           GroupMetadata(rd_kafka_consumer_group_metadata_new("paywarden")));
  }

  SilentLog log_;
  KafkaClientOptions options_;
  rd_kafka_t* handle_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

constexpr int16_t kAddPartitionsToTxn = 24, kEndTxn = 26;

TEST_F(TransactionalProducerTest, IsNotSpentByTransactionsThatAreAnswered) {
  auto p = producer();
  ASSERT_TRUE(p) << p.error().line();
  for (int i = 0; i < 3; ++i) {
    auto done = one(**p);
    ASSERT_TRUE(done) << done.error().line();
    EXPECT_FALSE((*p)->spent());
  }
}

TEST_F(TransactionalProducerTest, AnAnswerThatSaysTryAgainDoesNotSpendIt) {
  auto p = producer();
  ASSERT_TRUE(p);
  rd_kafka_mock_push_request_errors(cluster_, kAddPartitionsToTxn, 1,
                                    RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS);
  auto done = one(**p);
  ASSERT_TRUE(done) << done.error().line();
  EXPECT_FALSE((*p)->spent());
}

TEST_F(TransactionalProducerTest, BrokersThatAreTooOldAreRefused) {
  rd_kafka_mock_set_apiversion(cluster_, 22, 0, 2);
  auto p = producer();
  ASSERT_FALSE(p);
  EXPECT_NE(p.error().line().find("older than Kafka 2.5"), std::string::npos) << p.error().line();
  EXPECT_NE(p.error().line().find("3.6.1 or newer"), std::string::npos) << p.error().line();
}

// The commit succeeds: librdkafka has sent the end once more, and says nothing of it.
TEST_F(TransactionalProducerTest, AnEndThatWasCutOffSpendsIt) {
  for (int16_t request : {kEndTxn, kAddPartitionsToTxn}) {
    auto p = producer();
    ASSERT_TRUE(p);
    rd_kafka_mock_push_request_errors(cluster_, request, 1, RD_KAFKA_RESP_ERR__TRANSPORT);
    auto done = one(**p);
    ASSERT_TRUE(done) << done.error().line();
    EXPECT_TRUE((*p)->spent()) << request;
  }
}

}  // namespace
}  // namespace paywarden
