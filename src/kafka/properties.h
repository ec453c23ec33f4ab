// A Kafka client's properties file, as Confluent Cloud and others hand it out, and what librdkafka is given of it.
//
//   # python.config
//   bootstrap.servers=pkc-1.example:9092
//   security.protocol=SASL_SSL
//   sasl.mechanisms=PLAIN
//   sasl.username=${KAFKA_KEY}
//   sasl.password=${KAFKA_SECRET}
//
//   TRY_ASSIGN(auto properties, read_properties(text, "python.config", environment));
//
// One `key=value` a line, `#`, `!` or `[default]` begins a comment, spaces around both are dropped. `${NAME}` stands for an environment
// variable. Schema registry lines are of no use here and are noted (`left_aside`). What the program must set itself
// (transactional.id, enable.auto.commit, ...) is refused. Java's names for what librdkafka calls otherwise are understood.
// No error holds a value: it may be a secret.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paywarden {

struct KafkaProperties {
  std::map<std::string, std::string> values;  // librdkafka's names
  std::vector<std::string> left_aside;        // keys
  std::string file;                           // for messages
  std::string bootstrap() const;              // for messages; no secret
};

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Result<KafkaProperties> read_properties(std::string_view text, const std::string& file,
                                        const Environment& environment);

}  // namespace paywarden
