// A member of a consumer group that reads one topic's partitions from positions that its user sets: offsets are committed by
// a transaction elsewhere (producer.h), never here.
//
//   struct Mine : GroupConsumer::Member { void revoked(bool lost) override; void assigned(std::vector<int32_t>) override; };
//   TRY_ASSIGN(auto consumer, GroupConsumer::create(options, {"paywarden", "payments"}, mine, log));
//   while (auto record = consumer->poll(milliseconds(100))) use(record->value());
//
// Both calls of Member come on the thread that polls. With the protocol used (range, eager) every change of the group
// revokes all partitions and assigns anew. One thread.
#pragma once

#include <optional>
#include <vector>

#include "kafka/client.h"
#include "kafka/producer.h"

namespace paywarden {

struct GroupOptions {
  std::string group;
  std::string topic;
  Duration poll_interval_max = minutes(10);  // a restore may take so long before the group moves on
};

// A record and the memory that holds it.
class ConsumedRecord {
 public:
  explicit ConsumedRecord(rd_kafka_message_t* message) : message_(message) {}
  int32_t partition() const { return message_->partition; }
  int64_t offset() const { return message_->offset; }
  std::string_view key() const {
    return {static_cast<const char*>(message_->key), message_->key_len};
  }
  std::string_view value() const {
    return {static_cast<const char*>(message_->payload), message_->len};
  }
  // Empty: there is none of that name.
  std::string_view header(const char* name) const;
  // When it was sent, or taken by the broker, as the topic is set; the broker's word where there is none.
  EventTime timestamp() const;

 private:
  struct Destroy {
    void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  };
  std::unique_ptr<rd_kafka_message_t, Destroy> message_;
};

class GroupConsumer {
 public:
  class Member {
   public:
    virtual ~Member() = default;
    // All partitions go. `lost`: they went already, nothing can be committed for them any more.
    virtual void revoked(bool lost) = 0;
    // These came; nothing is read of them before read_from().
    virtual void assigned(std::vector<int32_t> partitions) = 0;
  };

  static Result<std::unique_ptr<GroupConsumer>> create(const KafkaClientOptions& options,
                                                       GroupOptions group, Member& member,
                                                       OperatorLog& log);
  ~GroupConsumer();

  // A record, or nothing within the time; what is there already comes cheapest with no time at all. An error of the group or
  // the topic is kept for problem().
  std::optional<ConsumedRecord> poll(Duration timeout);
  std::optional<Error> problem() { return std::exchange(problem_, std::nullopt); }
  // Since the last read_from() a position was not there: nothing more comes of its partition.
  bool position_absent() const { return position_absent_; }
  // Reads these partitions from these offsets on, and no other.
  Status read_from(const Positions& positions);
  // What the group has committed, after transactions under way have ended (KIP-447); absent: nothing yet.
  Result<Positions> committed(const std::vector<int32_t>& partitions, Duration timeout) const;
  // The same, whatever transactions are under way; for where they never end. With a client of its own: some 10 ms.
  Result<Positions> committed_so_far(const std::vector<int32_t>& partitions,
                                     Duration timeout) const;
  // The first offset that is still there, and the one after the last that is visible.
  Result<std::pair<int64_t, int64_t>> range(int32_t partition, Duration timeout) const;
  // The offset after the last visible record, as the last fetch saw it.
  int64_t seen_end(int32_t partition) const;
  // Of the present assignment: to commit with (see assigned()).
  const GroupMetadata& metadata() const { return metadata_; }
  // The place of a group that commits by itself, with some words beside it (at most 4,096 bytes, as brokers are set). Fails when
  // the partition is not this member's any more, and once this member is spent(). Any thread.
  Status commit(int32_t partition, int64_t next, const std::string& words) const;
  Result<std::optional<std::pair<int64_t, std::string>>> place(int32_t partition,
                                                               Duration timeout) const;
  // A commit was sent twice, and the first one may still arrive and take a later place back: leave, and join anew as another
  // member, whose places those of the former cannot touch. Any thread.
  bool spent() const { return requests_.any_unanswered(); }
  std::string member_id() const;  // empty: in no group
  // Leaves the group: revoked() is called.
  void leave();
  const KafkaClient& client() const { return *client_; }

 private:
  GroupConsumer(const KafkaClientOptions& options, GroupOptions group, Member& member,
                OperatorLog& log)
      : options_(options), group_(std::move(group)), member_(member), log_(log) {}
  static void rebalanced(rd_kafka_t* handle, rd_kafka_resp_err_t what,
                         rd_kafka_topic_partition_list_t* list, void* opaque);
  const KafkaClientOptions options_;
  GroupOptions group_;
  Member& member_;
  OperatorLog& log_;
  GroupMetadata metadata_;
  std::optional<Error> problem_;
  RequestWatch requests_{8};  // OffsetCommit
  std::unique_ptr<KafkaClient> client_;
  bool position_absent_ = false;
  bool left_ = false;
};

}  // namespace paywarden
