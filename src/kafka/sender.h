// Writes records one by one, outside of transactions: in order, each once, durable on all replicas in step.
//
//   TRY_ASSIGN(auto sender, RecordSender::create(options, limits, log, [](uint64_t ticket, const Error& e) { ... }));
//   if (!sender->send({topic, key, value}, ticket)) answer_503();      // its queue is full
//   sender->serve();               // now and then: calls back for what could not be written
//
// send() by any thread; serve(), with the callbacks on it, by one. A record that failed may be there all the same.
#pragma once

#include <functional>
#include <mutex>
#include <optional>

#include "kafka/client.h"
#include "kafka/record.h"

namespace paywarden {

struct SenderLimits {
  Duration timeout = seconds(10);  // then a record that no broker has taken is given up
  Duration linger = milliseconds(1);
  size_t queue_max = 20'000;
};

class RecordSender {
 public:
  using OnFailure = std::function<void(uint64_t ticket, const Error& error)>;
  static Result<std::unique_ptr<RecordSender>> create(const KafkaClientOptions& options,
                                                      SenderLimits limits, OperatorLog& log,
                                                      OnFailure on_failure);
  ~RecordSender();
  bool send(const RecordToProduce& record, uint64_t ticket);
  // False: it can write no more and must be made anew.
  bool serve();
  // Waits until all is written or given up.
  void finish(Duration timeout);

 private:
  explicit RecordSender(OnFailure on_failure) : on_failure_(std::move(on_failure)) {}
  static void delivered(rd_kafka_t* handle, const rd_kafka_message_t* message, void* opaque);
  OnFailure on_failure_;
  std::unique_ptr<KafkaClient> client_;
  std::mutex mutex_;  // topics_
  std::optional<TopicHandles> topics_;
};

}  // namespace paywarden
