#include "kafka/client.h"

#include <gtest/gtest.h>

namespace paywarden {
namespace {

// The values stand in Kafka's own test of Utils.murmur2 (UtilsTest.testMurmur2), made positive and taken modulo.
TEST(KafkaPartition, IsJavas) {
  const struct {
    const char* key;
    int32_t murmur2;
  } rows[] = {{"21", -973932308},
              {"foobar", -790332482},
              {"a-little-bit-long-string", -985981536},
              {"a-little-bit-longer-string", -1486304829},
              {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
              {"abc", 479470107}};
  for (const auto& row : rows)
    EXPECT_EQ(partition_of_key(row.key, INT32_MAX), (row.murmur2 & 0x7fffffff) % INT32_MAX)
        << row.key;
}

TEST(KafkaClient, WhatCannotBeReachedIsSaid) {
  SilentLog log;
  KafkaClientOptions options;
  options.properties.values["bootstrap.servers"] = "127.0.0.1:1";
  auto client = KafkaClient::create(RD_KAFKA_PRODUCER, options, {}, log);
  ASSERT_TRUE(client) << client.error().line();
  auto reached = (*client)->reach(seconds(2));
  ASSERT_FALSE(reached);
  EXPECT_NE(reached.error().line().find("Kafka at 127.0.0.1:1: no broker answers"),
            std::string::npos)
      << reached.error().line();
  EXPECT_NE(reached.error().line().find("Connection refused"), std::string::npos)
      << reached.error().line();
}

TEST(KafkaClient, ClientsOfOneProgramComplainOnceTogether) {
  KafkaClientOptions options, copy = options;
  EXPECT_TRUE(options.told->tell(RD_KAFKA_RESP_ERR__TRANSPORT));
  EXPECT_FALSE(copy.told->tell(RD_KAFKA_RESP_ERR__TRANSPORT));
  EXPECT_TRUE(copy.told->tell(RD_KAFKA_RESP_ERR__SSL));
  EXPECT_TRUE(KafkaClientOptions().told->tell(RD_KAFKA_RESP_ERR__TRANSPORT));
}

TEST(KafkaClient, PropertiesThatAreNotTakenAreNamedWithoutTheirValues) {
  const struct {
    const char* key;
    const char* says;
  } rows[] = {
      {"sasl.pasword",
       "my.config: there is no property 'also.not', there is no property 'sasl.pasword'; remove "
       "what librdkafka does not know: its CONFIGURATION.md has names and values"},
      {"security.protocol",
       "my.config: there is no property 'also.not', the value of 'security.protocol' is not taken; "
       "remove what librdkafka does not know: its CONFIGURATION.md has names and values"},
  };
  for (const auto& row : rows) {
    SilentLog log;
    KafkaClientOptions options;
    options.properties.file = "my.config";
    options.properties.values["bootstrap.servers"] = "127.0.0.1:1";
    options.properties.values[row.key] = "secret";
    options.properties.values["also.not"] = "secret";
    auto client = KafkaClient::create(RD_KAFKA_PRODUCER, options, {}, log);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().line(), row.says);
  }
}

}  // namespace
}  // namespace paywarden
