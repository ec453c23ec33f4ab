#include "kafka/properties.h"

#include <gtest/gtest.h>

namespace paywarden {
namespace {

std::optional<std::string> environment(const std::string& name) {
  if (name == "KEY") return "k-1";
  if (name == "SECRET") return "s3=cr}et";
  return std::nullopt;
}

Result<KafkaProperties> read(const std::string& text) {
  return read_properties(text, "python.config", environment);
}

TEST(KafkaProperties, AFileAsConfluentHandsItOut) {
  auto read_back = read(
      "# Required connection configs for Kafka producer, consumer, and admin\r\n"
      "bootstrap.servers=pkc-1.eu.example:9092\r\n"
      "security.protocol=SASL_SSL\n"
      "sasl.mechanisms=PLAIN\n"
      "sasl.username=${KEY}\n"
      "  sasl.password = a${SECRET}b=c \n"
      "\n"
      "# Best practice for higher availability in librdkafka clients prior to 1.7\n"
      "session.timeout.ms=45000\n"
      "schema.registry.url=https://psrc-1.eu.example\n"
      "basic.auth.credentials.source=USER_INFO\n"
      "basic.auth.user.info=x:y");
  ASSERT_TRUE(read_back) << read_back.error().line();
  std::map<std::string, std::string> expected = {{"bootstrap.servers", "pkc-1.eu.example:9092"},
                                                 {"security.protocol", "SASL_SSL"},
                                                 {"sasl.mechanisms", "PLAIN"},
                                                 {"sasl.username", "k-1"},
                                                 {"sasl.password", "as3=cr}etb=c"},
                                                 {"session.timeout.ms", "45000"}};
  EXPECT_EQ(read_back->values, expected);
  EXPECT_EQ(read_back->left_aside.size(), 3u);
  EXPECT_EQ(read_back->bootstrap(), "pkc-1.eu.example:9092");
}

TEST(KafkaProperties, WhatIsWrongIsSaidWithoutAValue) {
  const struct {
    const char* text;
    const char* says;
  } rows[] = {
      {"", "python.config: there is no bootstrap.servers; name the brokers: host:port,host:port"},
      {"bootstrap.servers=a:1\nsecret value\n",
       "python.config:2: is not a line as 'key=value'; begin comments with #"},
      {"=secret\n", "python.config:1: is not a line as 'key=value'; begin comments with #"},
      {"bootstrap.servers=a:1\nenable.auto.commit=true",
       "python.config:2: 'enable.auto.commit' is set by Paywarden itself; remove the line"},
      {"sasl.password=${NOT_THERE}",
       "python.config:1: the environment has no variable 'NOT_THERE'; set it where the program "
       "starts"},
      {"sasl.mechanism=PLAIN\nsasl.mechanisms=secret\n",
       "python.config:2: 'sasl.mechanisms' stands there twice; remove one of the lines"},
  };
  for (const auto& row : rows) {
    auto result = read(row.text);
    ASSERT_FALSE(result) << row.text;
    EXPECT_EQ(result.error().line(), row.says);
  }
}

TEST(KafkaProperties, WhatIsNoVariableStays) {
  auto result = read("bootstrap.servers=a:1\nsasl.password=$x{y}${z\n");
  ASSERT_TRUE(result) << result.error().line();
  EXPECT_EQ(result->values.at("sasl.password"), "$x{y}${z");
}

}  // namespace
}  // namespace paywarden
