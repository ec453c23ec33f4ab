#include "kafka/reader.h"

#include <algorithm>
#include <chrono>

#include "kafka/topics.h"

namespace paywarden {
namespace {

using Steady = std::chrono::steady_clock;
Duration left(Steady::time_point end) {
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(end - Steady::now()).count();
  return milliseconds(std::max<int64_t>(ms, 0));
}

int to_int(Duration timeout) {
  return static_cast<int>(timeout.ms());
}

}  // namespace

Result<std::unique_ptr<KafkaReader>> KafkaReader::create(const KafkaClientOptions& options,
                                                         const std::string& name, OperatorLog& log,
                                                         KafkaReaderOptions reader_options) {
  auto reader = std::make_unique<KafkaReader>();
  TRY_ASSIGN(
      reader->client_,
      KafkaClient::create(RD_KAFKA_CONSUMER, options,
                          {{"group.id", name},
                           {"isolation.level", "read_committed"},
                           {"enable.auto.commit", "false"},
                           {"auto.offset.reset", "error"},
                           {"fetch.wait.max.ms", std::to_string(reader_options.fetch_wait.ms())},
                           {"enable.partition.eof", reader_options.tell_ends ? "true" : "false"},
                           {"queued.max.messages.kbytes", "8192"}},
                          log));
  rd_kafka_poll_set_consumer(reader->client_->handle());
  return reader;
}

Result<std::optional<ConsumedRecord>> KafkaReader::record(const std::string& topic,
                                                          int32_t partition, int64_t offset,
                                                          Duration timeout) {
  TRY(go_to(topic, partition, offset));
  auto end = Steady::now() + std::chrono::milliseconds(timeout.ms());
  std::optional<ConsumedRecord> record;
  while (!record) {
    if (left(end) == Duration())
      return tl::unexpected(client_->error("a record of '" + topic + "' cannot be read",
                                           RD_KAFKA_RESP_ERR__TIMED_OUT));
    TRY_ASSIGN(record, next(left(end)));
    if (position_absent_) return std::optional<ConsumedRecord>();
  }
  if (record->offset() != offset) return std::optional<ConsumedRecord>();
  return record;
}

Result<int64_t> KafkaReader::first_since(const std::string& topic, int32_t partition,
                                         EventTime time, Duration timeout) {
  PartitionList list = new_partition_list();
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = time.ms();
  auto code = rd_kafka_offsets_for_times(client_->handle(), list.get(), to_int(timeout));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = list->elems[0].err;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected(client_->error("the offsets of '" + topic + "' cannot be read", code));
  if (list->elems[0].offset >= 0) return list->elems[0].offset;
  TRY_ASSIGN(auto range, this->range(topic, partition, timeout));
  return range.second;
}

Status KafkaReader::scan(const std::string& topic, int32_t partition, int64_t from,
                         Duration timeout, const Visit& visit) {
  auto end = Steady::now() + std::chrono::milliseconds(timeout.ms());
  TRY_ASSIGN(auto range, this->range(topic, partition, timeout));
  TRY(go_to(topic, partition, from));
  // The last offset may be a transaction's marker, which is never shown: then the time for one more record ends it.
  constexpr Duration kNothingMore = milliseconds(100);
  for (int64_t at = from; at < range.second && left(end) != Duration();) {
    TRY_ASSIGN(auto record, next(std::min(left(end), kNothingMore)));
    if (!record && at != from) return {};
    if (!record) continue;
    if (!visit(*record)) return {};
    at = record->offset() + 1;
  }
  return {};
}

Result<int32_t> KafkaReader::partitions(const std::string& topic, Duration timeout) {
  TRY_ASSIGN(int32_t count, partitions_of(*client_, topic, timeout));
  if (count == 0) return fail("there is no topic '" + topic + "'", "Kafka");
  return count;
}

Result<std::pair<int64_t, int64_t>> KafkaReader::range(const std::string& topic, int32_t partition,
                                                       Duration timeout) {
  return offsets_range(*client_, topic, partition, timeout);
}

Result<Positions> KafkaReader::committed(const std::string& topic,
                                         const std::vector<int32_t>& partitions,
                                         Duration timeout) const {
  return committed_offsets(*client_, topic, partitions, timeout);
}

Status KafkaReader::read_from(const std::string& topic, const Positions& positions) {
  position_absent_ = false;
  ends_.clear();
  return paywarden::read_from(*client_, topic, positions);
}

Result<std::optional<ConsumedRecord>> KafkaReader::next(Duration timeout) {
  rd_kafka_message_t* message = rd_kafka_consumer_poll(client_->handle(), to_int(timeout));
  if (!message) return std::optional<ConsumedRecord>();
  ConsumedRecord record(message);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (!ends_.empty()) ends_.erase(message->partition);
    return std::optional(std::move(record));
  }
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    ends_[message->partition] = message->offset;
    return std::optional<ConsumedRecord>();
  }
  position_absent_ |= message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET;
  if (position_absent_) return std::optional<ConsumedRecord>();
  return tl::unexpected(
      client_->error("a record cannot be read", message->err, rd_kafka_message_errstr(message)));
}

int64_t KafkaReader::seen_end(const std::string& topic, int32_t partition) const {
  int64_t low = 0, high = 0;
  rd_kafka_get_watermark_offsets(client_->handle(), topic.c_str(), partition, &low, &high);
  return std::max<int64_t>(high, 0);
}

}  // namespace paywarden
