#include "kafka/producer.h"

#include <gtest/gtest.h>

#include <map>

#include "kafka/mock_broker.h"

namespace paywarden {
namespace {

class TransactionalProducerTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<TransactionalProducer>> producer() {
    return TransactionalProducer::create(broker_.client(), "decide-1", {}, log_);
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
  MockBroker broker_{{{"decisions", 1}}};
};

constexpr int16_t kProduce = 0, kAddPartitionsToTxn = 24, kAddOffsetsToTxn = 25, kEndTxn = 26;

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
  rd_kafka_mock_push_request_errors(broker_.cluster(), kAddPartitionsToTxn, 1,
                                    RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS);
  auto done = one(**p);
  ASSERT_TRUE(done) << done.error().line();
  EXPECT_FALSE((*p)->spent());
}

// The topic is refused while the offsets are on their way: their call alone would say 'erroneous state'.
TEST_F(TransactionalProducerTest, WhatBrokeATransactionIsSaidWhicheverCallMeetsIt) {
  auto p = producer();
  ASSERT_TRUE(p);
  rd_kafka_mock_push_request_errors(broker_.cluster(), kAddOffsetsToTxn, 1,
                                    RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS);
  rd_kafka_mock_push_request_errors(broker_.cluster(), kAddPartitionsToTxn, 1,
                                    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  auto done = one(**p);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().line().find("Topic authorization failed"), std::string::npos)
      << done.error().line();
  EXPECT_NE(done.error().remedy.find("let the user write the topics 'decisions'"),
            std::string::npos)
      << done.error().line();
}

TEST_F(TransactionalProducerTest, BrokersThatAreTooOldAreRefused) {
  rd_kafka_mock_set_apiversion(broker_.cluster(), 22, 0, 2);
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
    rd_kafka_mock_push_request_errors(broker_.cluster(), request, 1, RD_KAFKA_RESP_ERR__TRANSPORT);
    auto done = one(**p);
    ASSERT_TRUE(done) << done.error().line();
    EXPECT_TRUE((*p)->spent()) << request;
  }
}

TEST_F(TransactionalProducerTest, SaysHowFarAFailedTransactionHasCome) {
  using Refused = std::map<int16_t, rd_kafka_resp_err_t>;
  const std::pair<Refused, TransactionReached> cases[] = {
      {{{kAddPartitionsToTxn, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED},
        {kAddOffsetsToTxn, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED}},
       TransactionReached::nothing},
      {{{kProduce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE}}, TransactionReached::records},
      {{{kEndTxn, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE}}, TransactionReached::end}};
  for (const auto& [refused, reached] : cases) {
    auto p = producer();
    ASSERT_TRUE(p);
    ASSERT_TRUE(one(**p));
    for (auto [request, error] : refused)
      rd_kafka_mock_push_request_errors(broker_.cluster(), request, 1, error);
    EXPECT_FALSE(one(**p)) << refused.begin()->first;
    EXPECT_EQ((*p)->give_up(), reached) << refused.begin()->first;
    for (auto [request, error] : refused)
      rd_kafka_mock_clear_request_errors(broker_.cluster(), request);
  }
}

TEST_F(TransactionalProducerTest, AfterAnAbortTheNextTransactionIsCommitted) {
  auto p = producer();
  ASSERT_TRUE(p);
  ASSERT_TRUE((*p)->begin());
  ASSERT_TRUE((*p)->produce({"decisions", "card", "approve", "payments:0:7"}));
  ASSERT_TRUE((*p)->abort());
  auto done = one(**p);
  EXPECT_TRUE(done) << done.error().line();
}

}  // namespace
}  // namespace paywarden
