#include "archive/kafka_source.h"

#include "archive/archive_line.h"
#include "base/digest.h"
#include "kafka/positions.h"

namespace paywarden {
namespace {

constexpr Duration kCallTimeout = seconds(20);
constexpr Duration kNextTimeout = milliseconds(100);  // until what is visible counts as read

}  // namespace

Result<std::unique_ptr<KafkaSource>> KafkaSource::open(const KafkaClientOptions& options,
                                                       const std::string& topic, int32_t partition,
                                                       OperatorLog& log) {
  std::unique_ptr<KafkaSource> source(new KafkaSource(topic, partition));
  TRY_ASSIGN(source->client_,
             KafkaClient::create(RD_KAFKA_CONSUMER, options,
                                 {{"group.id", options.client_id + "-archive-reader"},
                                  {"isolation.level", "read_committed"},
                                  {"enable.auto.commit", "false"},
                                  {"auto.offset.reset", "error"},
                                  {"queued.max.messages.kbytes", "16384"}},
                                 log));
  rd_kafka_poll_set_consumer(source->client_->handle());
  TRY_ASSIGN(auto range, offsets_range(*source->client_, topic, partition, kCallTimeout));
  source->first_ = static_cast<uint64_t>(range.first);
  source->end_ = static_cast<uint64_t>(range.second);
  return source;
}

Status KafkaSource::go_to(uint64_t position) const {
  if (position_ == position) return {};
  ahead_.reset();
  auto* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic_.c_str(), partition_)->offset =
      static_cast<int64_t>(position);
  auto code = rd_kafka_assign(client_->handle(), list);
  rd_kafka_topic_partition_list_destroy(list);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected(client_->error("'" + topic_ + "' cannot be read", code));
  position_ = position;
  return {};
}

Status KafkaSource::look_ahead(Duration timeout) const {
  if (ahead_) return {};
  rd_kafka_message_t* message =
      rd_kafka_consumer_poll(client_->handle(), static_cast<int>(timeout.ms()));
  if (!message) return {};
  ConsumedRecord record(message);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    position_.reset();
    return tl::unexpected(client_->error("'" + topic_ + "' cannot be read", message->err,
                                         rd_kafka_message_errstr(message)));
  }
  ahead_ = std::move(record);
  int64_t low = 0, high = 0;
  rd_kafka_get_watermark_offsets(client_->handle(), topic_.c_str(), partition_, &low, &high);
  end_ = std::max(static_cast<uint64_t>(ahead_->offset()) + 1,
                  static_cast<uint64_t>(std::max<int64_t>(high, 0)));
  return {};
}

// An error shows itself to the next read().
bool KafkaSource::wait_for(uint64_t position, Duration timeout) const {
  if (!go_to(position) || !look_ahead(timeout)) return true;
  return ahead_.has_value();
}

Result<uint64_t> KafkaSource::read(uint64_t from, uint64_t to, const DecidedVisitor& visit) const {
  TRY(go_to(from));
  bool more = true;
  while (more) {
    TRY(look_ahead(kNextTimeout));
    if (!ahead_ || static_cast<uint64_t>(ahead_->offset()) >= to) break;
    TRY_ASSIGN(more, show(visit));
    position_ = static_cast<uint64_t>(ahead_->offset()) + 1;
    ahead_.reset();
  }
  return *position_;
}

Result<bool> KafkaSource::show(const DecidedVisitor& visit) const {
  std::string payment;
  auto position = static_cast<uint64_t>(ahead_->offset());
  if (!base64_decode(ahead_->header("payment"), payment) || payment.empty())
    return unreadable("the decision has no payment beside it", position);
  return visit({position, ahead_->value(), payment});
}

Result<std::optional<ArchiveState>> KafkaPlanStore::load() {
  TRY_ASSIGN(auto place, consumer_.place(partition_, kCallTimeout));
  if (!place) return std::optional<ArchiveState>();
  if (place->second.empty())  // somebody has set the offset by other means
    return ArchiveState{static_cast<uint64_t>(place->first), 0, std::nullopt};
  TRY_ASSIGN(ArchiveState state, parse_archive_state(place->second));
  return state;
}

Status KafkaPlanStore::save(const ArchiveState& state) {
  return consumer_.commit(partition_, static_cast<int64_t>(state.next), to_json(state));
}

}  // namespace paywarden
