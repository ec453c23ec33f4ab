#include "kafka/sender.h"

namespace paywarden {

Result<std::unique_ptr<RecordSender>> RecordSender::create(const KafkaClientOptions& options,
                                                           SenderLimits limits, OperatorLog& log,
                                                           OnFailure on_failure) {
  std::unique_ptr<RecordSender> sender(new RecordSender(std::move(on_failure)));
  TRY_ASSIGN(sender->client_,
             KafkaClient::create(
                 RD_KAFKA_PRODUCER, options,
                 {{"enable.idempotence", "true"},
                  {"message.timeout.ms", std::to_string(limits.timeout.ms())},
                  {"partitioner", "murmur2_random"},
                  {"linger.ms", std::to_string(limits.linger.ms())},
                  {"queue.buffering.max.messages", std::to_string(limits.queue_max)}},
                 log, [](rd_kafka_conf_t* conf) { rd_kafka_conf_set_dr_msg_cb(conf, delivered); },
                 sender.get()));
  sender->topics_.emplace(sender->client_->handle());
  return sender;
}

RecordSender::~RecordSender() {
  topics_.reset();
  client_.reset();  // its callbacks come back here
}

void RecordSender::delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  KafkaClient& client = KafkaClient::of(opaque);
  auto& self = *static_cast<RecordSender*>(client.owner());
  self.on_failure_(reinterpret_cast<uintptr_t>(message->_private),
                   client.error("a record is not written", message->err));
}

bool RecordSender::send(const RecordToProduce& record, uint64_t ticket) {
  std::lock_guard lock(mutex_);
  return topics_->produce(record, reinterpret_cast<void*>(static_cast<uintptr_t>(ticket))) ==
         RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool RecordSender::serve() {
  rd_kafka_poll(client_->handle(), 0);
  char text[256];
  return rd_kafka_fatal_error(client_->handle(), text, sizeof text) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void RecordSender::finish(Duration timeout) {
  rd_kafka_flush(client_->handle(), static_cast<int>(timeout.ms()));
}

}  // namespace paywarden
