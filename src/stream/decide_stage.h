// Records of one partition, in order, to outcomes: the core of one machine (engine/core.h) under Kafka.
//
//   DecideStage stage(schema, tokeniser, options, figures, operator_log);
//   stage.process(state, records, &outcomes);      // null: replay, nothing is published
//
// A record's value is a payment as the schema has it, or a label: {"label": {"payment_id", "is_fraud", "source",
// "event_time", "payment"}}, whose last member, the payment as it was sent, is needed for payments that are older than the
// idempotency horizon. A payment's time of receipt is its record's timestamp. What cannot be read becomes a reject. One thread.
#pragma once

#include <array>
#include <atomic>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/operator_log.h"
#include "intake/label_parser.h"
#include "intake/payment_parser.h"
#include "intake/rejects.h"
#include "stream/outcomes.h"
#include "stream/partition_state.h"

namespace paywarden {

struct InputRecord {
  int64_t offset;
  EventTime timestamp;
  std::string_view value;
};

struct DecideOptions {
  ParserOptions parser;
  // Logs the state's hash behind every so many offsets: equal on every instance. 0: never; it reads all of the state.
  int64_t hash_every = 0;
};

// Read by any thread.
struct StageFigures {
  std::array<std::atomic<uint64_t>, 3> outcomes{};  // by Outcome
  std::atomic<uint64_t> repeats{0}, conflicts{0}, rejects{0}, labels{0}, labels_waiting{0},
      replayed{0};
};

// The payment that a label is about, where only its id is known: as it stands in the input at this offset.
using FindPayment = std::function<Result<std::string>(int32_t partition, int64_t offset)>;

class DecideStage {
 public:
  DecideStage(const Schema& schema, const Tokeniser& tokeniser, DecideOptions options,
              FindPayment find_payment, StageFigures& figures, OperatorLog& log);

  // An error is of find_payment: the records from state.next on are not processed.
  Status process(PartitionState& state, std::span<const InputRecord> records, Outcomes* out);

 private:
  struct Pending {
    int64_t offset;
    Payment payment;
  };
  Status take(const InputRecord& record);
  void take_payment(const InputRecord& record);
  Status take_label(const InputRecord& record, std::string_view json);
  Status apply_label(const InputRecord& record, const Label& label, const std::string& payment);
  void decide();
  void publish(const Pending& pending, const Decision& decision);
  void reject(const InputRecord& record, const Rejection& no);
  void other(int64_t offset, std::string_view what, std::string_view payment_id);
  void note_hash(int64_t next);

  const Schema& schema_;
  DecideOptions options_;
  FindPayment find_payment_;
  StageFigures& figures_;
  OperatorLog& log_;
  PaymentParser parser_;
  std::vector<Pending> pending_;
  size_t pending_count_ = 0;
  std::vector<Decision> decisions_;
  std::vector<CoreItem> items_;

  PartitionState* state_ = nullptr;  // of the call under way
  Outcomes* out_ = nullptr;
};

}  // namespace paywarden
