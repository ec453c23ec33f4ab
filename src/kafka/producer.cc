#include "kafka/producer.h"

namespace paywarden {

namespace {

// What came with 2.5, as TxnOffsetCommit with a group's generation did (KIP-360, KIP-447).
constexpr int16_t kInitProducerId = 22;
constexpr int kInitProducerIdOf25 = 3;
constexpr int16_t kProduce = 0, kEndTxn = 26;

}  // namespace

Result<std::unique_ptr<TransactionalProducer>> TransactionalProducer::create(
    const KafkaClientOptions& options, const std::string& transactional_id, ProducerLimits limits,
    OperatorLog& log) {
  std::unique_ptr<TransactionalProducer> producer(new TransactionalProducer(limits));
  std::string timeout = std::to_string(limits.transaction_timeout.ms());
  // A commit sends at once whatever lingers. What would be sent earlier waits until the broker knows that its partition is part of
  // the transaction, and librdkafka (2.0.2) waits for that awake: a tenth of all processor time.
  TRY_ASSIGN(
      producer->client_,
      KafkaClient::create(RD_KAFKA_PRODUCER, options,
                          {{"transactional.id", transactional_id},
                           {"enable.idempotence", "true"},
                           {"transaction.timeout.ms", timeout},
                           {"message.timeout.ms", timeout},  // must not be longer
                           {"partitioner", "murmur2_random"},
                           {"linger.ms", "20"},
                           {"batch.num.messages", "100000"},
                           {"queue.buffering.max.messages", "1000000"}},
                          log, [&](rd_kafka_conf_t* conf) { producer->requests_.watch(conf); }));
  producer->topics_.emplace(producer->client_->handle());
  TRY(producer->done(
      "the transactional id '" + transactional_id + "' cannot be taken",
      rd_kafka_init_transactions(producer->client_->handle(), producer->timeout_ms())));
  if (producer->requests_.version(kInitProducerId) < kInitProducerIdOf25)
    return fail(kBrokersTooOld, "Kafka at " + options.properties.bootstrap(),
                "use brokers of version 3.6.1 or newer");
  return producer;
}

namespace {

bool is_fence(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

// A call that a failed transaction breaks off says no more than that; the next call says what failed.
rd_kafka_error_t* cause_of(rd_kafka_t* handle, rd_kafka_error_t* error) {
  if (!error || rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__STATE) return error;
  rd_kafka_error_t* cause = rd_kafka_begin_transaction(handle);
  if (!cause) return error;
  rd_kafka_error_destroy(error);
  return cause;
}

}  // namespace

// Takes the error over. A broker that refuses a topic does not say which.
Status TransactionalProducer::done(const std::string& what, rd_kafka_error_t* error) {
  error = cause_of(client_->handle(), error);
  auto code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
  if (error) {
    bool of_age = std::chrono::steady_clock::now() - begun_ >=
                  std::chrono::milliseconds(limits_.transaction_timeout.ms());
    fenced_ |= !of_age && is_fence(code);
    rd_kafka_poll(client_->handle(), 0);
  }
  Status out = client_->status(what, error);
  std::string topics = topics_ ? topics_->names() : "";
  if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && !topics.empty())
    out.error().remedy = "let the user write the topics " + topics + " (ACLs at the broker)";
  return out;
}

Status TransactionalProducer::usable() {
  char text[512];
  auto code = rd_kafka_fatal_error(client_->handle(), text, sizeof text);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  fenced_ |= is_fence(code);
  return tl::unexpected(client_->error("the producer has failed", code, text));
}

Status TransactionalProducer::begin() {
  TRY(usable());
  begun_ = std::chrono::steady_clock::now();
  offsets_taken_ = false;
  ends_before_ = requests_.sent(kEndTxn);
  records_before_ = requests_.sent(kProduce);
  return done("no transaction can be begun", rd_kafka_begin_transaction(client_->handle()));
}

Status TransactionalProducer::produce(const RecordToProduce& record) {
  auto code = topics_->produce(record, nullptr);
  for (int64_t waited = 0; code == RD_KAFKA_RESP_ERR__QUEUE_FULL && waited < timeout_ms();
       waited += 10) {
    rd_kafka_poll(client_->handle(), 10);
    code = topics_->produce(record, nullptr);
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return tl::unexpected(client_->error("a record for '" + record.topic + "' is not taken", code));
}

Status TransactionalProducer::commit(const std::string& topic, const Positions& positions,
                                     const GroupMetadata& metadata) {
  auto* list = rd_kafka_topic_partition_list_new(static_cast<int>(positions.size()));
  for (auto [partition, next] : positions)
    rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = next;
  auto* error =
      rd_kafka_send_offsets_to_transaction(client_->handle(), list, metadata.get(), timeout_ms());
  rd_kafka_topic_partition_list_destroy(list);
  TRY(done("the offsets are not taken", error));
  offsets_taken_ = true;
  return done("the transaction is not committed",
              rd_kafka_commit_transaction(client_->handle(), timeout_ms()));
}

// librdkafka throws away what it has not sent.
Status TransactionalProducer::abort() {
  auto code = rd_kafka_flush(client_->handle(), timeout_ms());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected(client_->error("the records to abort are not sent", code));
  return done("the transaction is not aborted",
              rd_kafka_abort_transaction(client_->handle(), timeout_ms()));
}

TransactionReached TransactionalProducer::give_up() {
  topics_.reset();
  client_.reset();
  if (requests_.sent(kEndTxn) != ends_before_) return TransactionReached::end;
  // Records go out once their partition is part of the transaction.
  bool any = offsets_taken_ || requests_.sent(kProduce) != records_before_;
  return any ? TransactionReached::records : TransactionReached::nothing;
}

}  // namespace paywarden
