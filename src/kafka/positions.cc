#include "kafka/positions.h"

namespace paywarden {

PartitionList new_partition_list() {
  return {rd_kafka_topic_partition_list_new(8), rd_kafka_topic_partition_list_destroy};
}

Result<Positions> committed_offsets(const KafkaClient& client, const std::string& topic,
                                    const std::vector<int32_t>& partitions, Duration timeout) {
  PartitionList list = new_partition_list();
  for (int32_t partition : partitions)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  auto code = rd_kafka_committed(client.handle(), list.get(), static_cast<int>(timeout.ms()));
  Positions out;
  for (int i = 0; i < list->cnt; ++i) {
    const auto& entry = list->elems[i];
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = entry.err;
    if (entry.offset >= 0) out[entry.partition] = entry.offset;
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return out;
  return tl::unexpected(client.error("the committed offsets cannot be read", code));
}

namespace {

// A timestamp that stands for an end of a partition (ListOffsets in https://kafka.apache.org/protocol).
constexpr int64_t kEarliest = -2, kLatest = -1;

// Not rd_kafka_query_watermark_offsets(): where the partition's leader is away, that waits for it however long it takes
// (librdkafka 2.0.2), and a stop would wait with it.
Result<int64_t> offset_at(const KafkaClient& client, const std::string& topic, int32_t partition,
                          int64_t end, Duration timeout) {
  PartitionList list = new_partition_list();
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = end;
  auto code =
      rd_kafka_offsets_for_times(client.handle(), list.get(), static_cast<int>(timeout.ms()));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = list->elems[0].err;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return list->elems[0].offset;
  return tl::unexpected(client.error("the offsets of '" + topic + "' cannot be read", code));
}

}  // namespace

Result<std::pair<int64_t, int64_t>> offsets_range(const KafkaClient& client,
                                                  const std::string& topic, int32_t partition,
                                                  Duration timeout) {
  std::pair<int64_t, int64_t> out;
  TRY_ASSIGN(out.first, offset_at(client, topic, partition, kEarliest, timeout));
  TRY_ASSIGN(out.second, offset_at(client, topic, partition, kLatest, timeout));
  return out;
}

Status read_from(const KafkaClient& client, const std::string& topic, const Positions& positions) {
  PartitionList list = new_partition_list();
  for (auto [partition, next] : positions)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = next;
  auto code = rd_kafka_assign(client.handle(), list.get());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return tl::unexpected(client.error("'" + topic + "' cannot be read", code));
}

}  // namespace paywarden
