#include "handles.h"

namespace paywarden::kafka_bench {
namespace {

constexpr int kCallTimeoutMs = 30'000;

}  // namespace

List list_of(const std::string& topic, int64_t offset) {
  List list(rd_kafka_topic_partition_list_new(1), rd_kafka_topic_partition_list_destroy);
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), 0)->offset = offset;
  return list;
}

Result<std::unique_ptr<KafkaClient>> read_partition(const Bench& bench, const std::string& topic,
                                                    int64_t offset, KafkaSettings settings) {
  TRY_ASSIGN(auto client,
             KafkaClient::create(RD_KAFKA_CONSUMER, bench.client, settings, bench.log));
  rd_kafka_poll_set_consumer(client->handle());
  auto code = rd_kafka_assign(client->handle(), list_of(topic, offset).get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected(client->error("'" + topic + "' cannot be read", code));
  return client;
}

Result<std::pair<int64_t, int64_t>> range_of(const KafkaClient& client, const std::string& topic) {
  std::pair<int64_t, int64_t> out;
  auto code = rd_kafka_query_watermark_offsets(client.handle(), topic.c_str(), 0, &out.first,
                                               &out.second, kCallTimeoutMs);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return out;
  return tl::unexpected(client.error("the end of '" + topic + "' is not told", code));
}

Result<std::unique_ptr<KafkaClient>> plain_producer(const Bench& bench,
                                                    const std::string& linger_ms) {
  return KafkaClient::create(
      RD_KAFKA_PRODUCER, bench.client,
      {{"enable.idempotence", "true"}, {"linger.ms", linger_ms}, {"batch.num.messages", "10000"}},
      bench.log);
}

Status put(const KafkaClient& client, const std::string& topic, std::string_view value,
           int64_t timestamp_ms) {
  auto code = RD_KAFKA_RESP_ERR_NO_ERROR;
  do {
    code = rd_kafka_producev(
        client.handle(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(timestamp_ms),
        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END);
    rd_kafka_poll(client.handle(), code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 10 : 0);
  } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return tl::unexpected(client.error("a record for '" + topic + "' is not taken", code));
}

Status flush(const KafkaClient& client) {
  auto code = rd_kafka_flush(client.handle(), kCallTimeoutMs);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return tl::unexpected(client.error("records are not delivered", code));
}

}  // namespace paywarden::kafka_bench
