// Topics that must be there before anything is read or written: made where they are absent, checked where they exist.
//
//   TRY_ASSIGN(auto found, ensure_topics(client, {{"payments", 4, days(60)}}, {.replication = 3}, seconds(10)));
//   found["payments"].partitions;
//
// Any thread; waits for the brokers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kafka/client.h"

namespace paywarden {

struct TopicWanted {
  std::string name;
  int32_t partitions = 1;  // where it is made
  Duration retention_min;  // of the topic where it is made
  bool compacted = false;  // instead of a retention
  bool others_fill_it =
      false;  // never made here: a misspelt name would wait for ever for its first record
};

struct TopicFound {
  int32_t partitions = 0;
  bool made = false;
  std::optional<Duration> retention;  // nothing: for ever, or not allowed to look
  bool compacted = false;
};

struct TopicOptions {
  bool create = true;
  int16_t replication = -1;  // -1: the broker's default
};

// 0: there is no such topic.
Result<int32_t> partitions_of(const KafkaClient& client, const std::string& name, Duration timeout);

Result<std::map<std::string, TopicFound>> ensure_topics(const KafkaClient& client,
                                                        const std::vector<TopicWanted>& wanted,
                                                        TopicOptions options, Duration timeout);

}  // namespace paywarden
