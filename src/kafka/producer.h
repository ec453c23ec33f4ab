// Writes records and the offsets that they are the outcome of in one transaction.
//
//   TRY_ASSIGN(auto producer, TransactionalProducer::create(options, "paywarden-decide-1", limits, log));
//   TRY(producer->begin());
//   TRY(producer->produce({topic, key, value, input}));
//   TRY(producer->commit("payments", positions, metadata));
//
// After any failure of begin, produce or commit the object is of no more use: whether the transaction was committed is open.
// Destroy it, make it anew with the same id (which waits for the end of what the former one left), read the committed
// offsets, and go on from what they say.
//
// After a commit that succeeded, ask spent(): where a connection broke, librdkafka has sent the end of the transaction once more, and
// the first one may still arrive. It would end the next transaction of this producer somewhere in its middle (KAFKA-14402,
// KIP-890): offsets committed, records not. An object made anew has a higher epoch; what was sent with the lower one is refused
// then. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "kafka/client.h"
#include "kafka/positions.h"
#include "kafka/record.h"
#include "kafka/request_watch.h"

namespace paywarden {

struct ProducerLimits {
  Duration transaction_timeout =
      seconds(15);  // what a dead instance's open transaction blocks at most
  Duration call_timeout =
      seconds(20);  // of each call here: longer than the broker's own, so that its word is heard
};

// What a group member holds at one moment; a commit with it fails once the group has moved on (KIP-447).
class GroupMetadata {
 public:
  GroupMetadata() = default;
  explicit GroupMetadata(rd_kafka_consumer_group_metadata_t* taken)
      : metadata_(taken, rd_kafka_consumer_group_metadata_destroy) {}
  const rd_kafka_consumer_group_metadata_t* get() const { return metadata_.get(); }

 private:
  std::shared_ptr<rd_kafka_consumer_group_metadata_t> metadata_;
};

// What create() fails with where nothing can be exactly once: the error's `what`.
inline constexpr const char* kBrokersTooOld =
    "the brokers are older than Kafka 2.5: a commit would not be fenced by the group";

// How far a transaction has come at the brokers, as far as its producer knows.
enum class TransactionReached {
  nothing,  // not committed, and the brokers have no record of it
  records,  // not committed, and the one before it had ended everywhere: the coordinator takes nothing of it sooner
  end,      // its end was sent: committed, or not
};

class TransactionalProducer {
 public:
  static Result<std::unique_ptr<TransactionalProducer>> create(const KafkaClientOptions& options,
                                                               const std::string& transactional_id,
                                                               ProducerLimits limits,
                                                               OperatorLog& log);
  Status begin();
  Status produce(const RecordToProduce& record);
  Status commit(const std::string& topic, const Positions& positions,
                const GroupMetadata& metadata);
  Status abort();  // once the records are written, so that each of their partitions has its end
  // Ends the client, so that nothing more goes out; nothing else may be called any more.
  TransactionReached give_up();
  // Another process has taken the transactional id over, sooner than the broker would have ended a transaction for its age.
  bool fenced() const { return fenced_; }
  // Make it anew before the next begin(): something that was sent about a transaction may still arrive.
  bool spent() const { return requests_.any_unanswered(); }

 private:
  TransactionalProducer(ProducerLimits limits) : limits_(limits) {}
  Status done(const std::string& what, rd_kafka_error_t* error);
  Status usable();
  int timeout_ms() const { return static_cast<int>(limits_.call_timeout.ms()); }
  ProducerLimits limits_;
  // What changes a transaction at its coordinators: AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, TxnOffsetCommit. A repeated
  // produce request is known by its sequence numbers.
  RequestWatch requests_{24, 25, 26, 28};
  bool offsets_taken_ = false;
  uint64_t ends_before_ = 0, records_before_ = 0;  // requests sent, at the last begin()
  std::unique_ptr<KafkaClient> client_;
  std::chrono::steady_clock::time_point begun_;
  std::optional<TopicHandles> topics_;  // of client_
  bool fenced_ = false;
};

}  // namespace paywarden
