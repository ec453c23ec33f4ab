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

Result<std::pair<int64_t, int64_t>> offsets_range(const KafkaClient& client,
                                                  const std::string& topic, int32_t partition,
                                                  Duration timeout) {
  std::pair<int64_t, int64_t> out;
  auto code =
      rd_kafka_query_watermark_offsets(client.handle(), topic.c_str(), partition, &out.first,
                                       &out.second, static_cast<int>(timeout.ms()));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return out;
  return tl::unexpected(client.error("the offsets of '" + topic + "' cannot be read", code));
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
