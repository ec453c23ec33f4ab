#include "kafka/consumer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace paywarden {
EventTime ConsumedRecord::timestamp() const {
  return EventTime(rd_kafka_message_timestamp(message_.get(), nullptr));
}

std::string_view ConsumedRecord::header(const char* name) const {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  if (rd_kafka_message_headers(message_.get(), &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return {};
  return {static_cast<const char*>(value), size};
}

Result<std::unique_ptr<GroupConsumer>> GroupConsumer::create(const KafkaClientOptions& options,
                                                             GroupOptions group, Member& member,
                                                             OperatorLog& log) {
  std::unique_ptr<GroupConsumer> consumer(
      new GroupConsumer(options, std::move(group), member, log));
  auto prepare = [&](rd_kafka_conf_t* conf) {
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    consumer->requests_.watch(conf);
  };
  TRY_ASSIGN(consumer->client_,
             KafkaClient::create(
                 RD_KAFKA_CONSUMER, options,
                 {{"group.id", consumer->group_.group},
                  {"isolation.level", "read_committed"},
                  {"enable.auto.commit", "false"},
                  {"enable.auto.offset.store", "false"},
                  {"auto.offset.reset", "error"},  // positions are always ours
                  {"partition.assignment.strategy", "range"},
                  {"max.poll.interval.ms", std::to_string(consumer->group_.poll_interval_max.ms())},
                  {"queued.max.messages.kbytes", "65536"},
                  {"fetch.wait.max.ms", "100"}},
                 log, prepare, consumer.get()));
  rd_kafka_poll_set_consumer(consumer->client_->handle());
  PartitionList topics = new_partition_list();
  rd_kafka_topic_partition_list_add(topics.get(), consumer->group_.topic.c_str(),
                                    RD_KAFKA_PARTITION_UA);
  auto code = rd_kafka_subscribe(consumer->client_->handle(), topics.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected(consumer->client_->error("the topic cannot be subscribed to", code));
  return consumer;
}

GroupConsumer::~GroupConsumer() {
  leave();
}

void GroupConsumer::leave() {
  if (left_ || !client_) return;
  left_ = true;
  rd_kafka_consumer_close(client_->handle());
}

// The metadata is taken here, not at the commit: a member that has dropped out has one without a generation, which the
// broker takes for a producer of the old kind and does not fence.
void GroupConsumer::rebalanced(rd_kafka_t* handle, rd_kafka_resp_err_t what,
                               rd_kafka_topic_partition_list_t* list, void* opaque) {
  auto& self = *static_cast<GroupConsumer*>(KafkaClient::of(opaque).owner());
  if (what != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    self.member_.revoked(rd_kafka_assignment_lost(handle) != 0);
    self.metadata_ = GroupMetadata();
    rd_kafka_assign(handle, nullptr);
    return;
  }
  std::vector<int32_t> partitions;
  for (int i = 0; i < list->cnt; ++i) partitions.push_back(list->elems[i].partition);
  self.metadata_ = GroupMetadata(rd_kafka_consumer_group_metadata(handle));
  rd_kafka_assign(handle, new_partition_list().get());
  self.member_.assigned(std::move(partitions));
}

std::string GroupConsumer::member_id() const {
  char* id = rd_kafka_memberid(client_->handle());
  std::string out = id ? id : "";
  if (id) rd_kafka_mem_free(client_->handle(), id);
  return out;
}

std::optional<ConsumedRecord> GroupConsumer::poll(Duration timeout) {
  rd_kafka_message_t* message =
      rd_kafka_consumer_poll(client_->handle(), static_cast<int>(timeout.ms()));
  if (!message) return std::nullopt;
  ConsumedRecord record(message);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  position_absent_ |= message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET;
  problem_ = client_->error("the topic '" + group_.topic + "' cannot be read", message->err,
                            rd_kafka_message_errstr(message));
  return std::nullopt;
}

Status GroupConsumer::read_from(const Positions& positions) {
  position_absent_ = false;
  return paywarden::read_from(*client_, group_.topic, positions);
}

Result<Positions> GroupConsumer::committed(const std::vector<int32_t>& partitions,
                                           Duration timeout) const {
  return committed_offsets(*client_, group_.topic, partitions, timeout);
}

Result<Positions> GroupConsumer::committed_so_far(const std::vector<int32_t>& partitions,
                                                  Duration timeout) const {
  TRY_ASSIGN(auto reader,
             KafkaClient::create(
                 RD_KAFKA_CONSUMER, options_,
                 {{"group.id", group_.group}, {"isolation.level", "read_uncommitted"}}, log_));
  return committed_offsets(*reader, group_.topic, partitions, timeout);
}

Status GroupConsumer::commit(int32_t partition, int64_t next, const std::string& words) const {
  if (spent())
    return fail("an earlier place in '" + group_.topic + "' may still be on its way", "Kafka",
                "nothing to do: this member leaves its group and joins anew");
  PartitionList list = new_partition_list();
  auto* entry = rd_kafka_topic_partition_list_add(list.get(), group_.topic.c_str(), partition);
  entry->offset = next;
  entry->metadata = std::malloc(words.size());  // librdkafka frees it
  std::memcpy(entry->metadata, words.data(), words.size());
  entry->metadata_size = words.size();
  auto code = rd_kafka_commit(client_->handle(), list.get(), 0);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = list->elems[0].err;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return tl::unexpected(client_->error("the place in '" + group_.topic + "' is not kept", code));
}

Result<std::optional<std::pair<int64_t, std::string>>> GroupConsumer::place(
    int32_t partition, Duration timeout) const {
  PartitionList list = new_partition_list();
  rd_kafka_topic_partition_list_add(list.get(), group_.topic.c_str(), partition);
  auto code = rd_kafka_committed(client_->handle(), list.get(), static_cast<int>(timeout.ms()));
  const auto& entry = list->elems[0];
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = entry.err;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected(client_->error("the place in '" + group_.topic + "' is unknown", code));
  if (entry.offset < 0) return std::optional<std::pair<int64_t, std::string>>();
  return std::pair<int64_t, std::string>(
      entry.offset, std::string(static_cast<const char*>(entry.metadata), entry.metadata_size));
}

Result<std::pair<int64_t, int64_t>> GroupConsumer::range(int32_t partition,
                                                         Duration timeout) const {
  return offsets_range(*client_, group_.topic, partition, timeout);
}

int64_t GroupConsumer::seen_end(int32_t partition) const {
  int64_t low = 0, high = 0;
  rd_kafka_get_watermark_offsets(client_->handle(), group_.topic.c_str(), partition, &low, &high);
  return std::max<int64_t>(high, 0);
}

}  // namespace paywarden
