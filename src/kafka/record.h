// A record on its way to a topic, and how it gets into a producer's queue.
//
//   TopicHandles topics(client.handle());
//   auto code = topics.produce({topic, key, value, input}, nullptr);      // RD_KAFKA_RESP_ERR__QUEUE_FULL: later
//
// One thread.
#pragma once

#include <librdkafka/rdkafka.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"

namespace paywarden {

struct RecordToProduce {
  const std::string& topic;
  std::string_view key;  // the partition follows from it
  std::string_view value;
  std::string_view input =
      {};  // header "input": the record that this is the outcome of; empty: none
  std::string_view payment = {};  // header "payment"; empty: none
  std::string_view reply = {};    // header "reply"; empty: none
  int32_t partition = -1;         // instead of the key's
  EventTime timestamp = {};       // 0: now
};

// Librdkafka's handles of topics: by name it would look a topic up anew for each record.
class TopicHandles {
 public:
  explicit TopicHandles(rd_kafka_t* client) : client_(client) {}
  // Copies the record. `opaque`: for the delivery report.
  rd_kafka_resp_err_t produce(const RecordToProduce& record, void* opaque);
  std::string names() const;  // 'a', 'b'

 private:
  rd_kafka_topic_t* of(const std::string& name);
  struct Destroy {
    void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  };
  using Topics = std::map<std::string, std::unique_ptr<rd_kafka_topic_t, Destroy>>;
  rd_kafka_t* client_;
  Topics topics_;
  Topics::iterator last_ = topics_.end();  // most records are for the same
};

}  // namespace paywarden
