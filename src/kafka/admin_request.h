// One request to the brokers about topics or groups, with a queue of its own for the answer. Only for .cc files of this folder.
//
//   AdminRequest request(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout);
//   rd_kafka_CreateTopics(client.handle(), topics, 1, request.options(), request.queue());
//   TRY_ASSIGN(auto event, request.answer("the topic cannot be made"));
#pragma once

#include "kafka/client.h"

namespace paywarden {

template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

class AdminRequest {
 public:
  AdminRequest(const KafkaClient& client, rd_kafka_admin_op_t kind, Duration timeout);
  rd_kafka_AdminOptions_t* options() { return options_.get(); }
  rd_kafka_queue_t* queue() { return queue_.get(); }
  Result<Owned<rd_kafka_event_t>> answer(const std::string& what);

 private:
  const KafkaClient& client_;
  int timeout_ms_;
  Owned<rd_kafka_AdminOptions_t> options_;
  Owned<rd_kafka_queue_t> queue_;
};

}  // namespace paywarden
