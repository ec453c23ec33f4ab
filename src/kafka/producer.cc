#include "kafka/producer.h"

namespace paywarden {

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
                          log, [&](rd_kafka_conf_t* conf) { producer->unanswered_.watch(conf); }));
  TRY(producer->done(
      "the transactional id cannot be taken",
      rd_kafka_init_transactions(producer->client_->handle(), producer->timeout_ms())));
  return producer;
}

namespace {

bool is_fence(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

// The keys of a map.
template <typename Map>
std::string quoted(const Map& names) {
  std::string out;
  for (const auto& [name, of_no_matter] : names) out += (out.empty() ? " '" : ", '") + name + "'";
  return out;
}

}  // namespace

// Takes the error over. A broker that refuses a topic does not say which.
Status TransactionalProducer::done(const char* what, rd_kafka_error_t* error) {
  auto code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
  if (error) {
    bool of_age = std::chrono::steady_clock::now() - begun_ >=
                  std::chrono::milliseconds(limits_.transaction_timeout.ms());
    fenced_ |= !of_age && is_fence(code);
    rd_kafka_poll(client_->handle(), 0);
  }
  Status out = client_->status(what, error);
  if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && !topics_.empty())
    out.error().remedy =
        "let the user write the topics" + quoted(topics_) + " (ACLs at the broker)";
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
  return done("no transaction can be begun", rd_kafka_begin_transaction(client_->handle()));
}

// By name, librdkafka looks a topic up anew for each record.
rd_kafka_topic_t* TransactionalProducer::topic(const std::string& name) {
  if (last_topic_ == topics_.end() || last_topic_->first != name) {
    last_topic_ = topics_.try_emplace(name).first;
    if (!last_topic_->second)
      last_topic_->second.reset(rd_kafka_topic_new(client_->handle(), name.c_str(), nullptr));
  }
  return last_topic_->second.get();
}

Status TransactionalProducer::produce(const RecordToProduce& record) {
  rd_kafka_topic_t* to = topic(record.topic);
  if (!to)
    return tl::unexpected(
        client_->error("a record for '" + record.topic + "' is not taken", rd_kafka_last_error()));
  auto try_once = [&] {
    rd_kafka_headers_t* headers = nullptr;
    for (auto [name, value] : {std::pair{"input", record.input}, {"payment", record.payment}}) {
      if (value.empty()) continue;
      if (!headers) headers = rd_kafka_headers_new(2);
      rd_kafka_header_add(headers, name, -1, value.data(), static_cast<ssize_t>(value.size()));
    }
    auto code = rd_kafka_producev(
        client_->handle(), RD_KAFKA_V_RKT(to), RD_KAFKA_V_PARTITION(record.partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(record.value.data()), record.value.size()),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && headers) rd_kafka_headers_destroy(headers);
    return code;
  };
  auto code = try_once();
  for (int64_t waited = 0; code == RD_KAFKA_RESP_ERR__QUEUE_FULL && waited < timeout_ms();
       waited += 10) {
    rd_kafka_poll(client_->handle(), 10);
    code = try_once();
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
  return done("the transaction is not committed",
              rd_kafka_commit_transaction(client_->handle(), timeout_ms()));
}

}  // namespace paywarden
