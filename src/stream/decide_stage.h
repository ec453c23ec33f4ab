// Records of one partition, in order, to outcomes: the core of one machine (engine/core.h) under Kafka.
//
//   DecideStage stage(schema, tokeniser, options, find_payment, figures, operator_log);
//   stage.process(state, records, &outcomes);      // null: replay, nothing is published
//
// As the only stage it reads what senders write: a payment as the schema has it, or a label: {"label": {"payment_id",
// "is_fraud", "source", "event_time", "payment"}}, whose last member, the payment as it was sent, is needed for payments that
// are older than the idempotency horizon. A payment's time of receipt is its record's timestamp. What cannot be read becomes a
// reject. Records of stage_record.h may stand among them: payments and labels that came over HTTP. As one of several it reads
// those alone, adds its own features, and hands them on or decides.
//
// A decision's record bears its payment's time of receipt, so that it can be found by it (topic_lookup.h).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/operator_log.h"
#include "intake/payment_parser.h"
#include "stream/stage.h"
#include "stream/stage_plan.h"
#include "stream/stage_record.h"

namespace paywarden {

struct DecideOptions {
  ParserOptions parser;
  // Logs the state's hash behind every so many offsets: equal on every instance. 0: never; it reads
  // all of the state.
  int64_t hash_every = 0;

  // One of several stages: which (its core computes `plan->stages[stage].features`), or the only one.
  const StagePlan* plan = nullptr;
  size_t stage = 0;
  uint64_t feature_hash = 0;  // of the whole set: records of another are refused
  bool is_last() const { return !plan || stage + 1 == plan->stages.size(); }
  bool is_first() const { return stage == 0; }
};

class DecideStage : public Stage {
 public:
  DecideStage(const Schema& schema, const Tokeniser& tokeniser, DecideOptions options,
              FindPayment find_payment, StageFigures& figures, OperatorLog& log);

  Status process(PartitionState& state, std::span<const InputRecord> records,
                 Outcomes* out) override;

 private:
  struct Pending {
    int64_t offset;
    Payment payment;
    PaymentIdentity identity;
    CarriedFeatures carried;
    std::string_view reply;  // who waits (reply.h); in the record, which stays until the call's end
  };
  Status take(const InputRecord& record);
  Status take_raw(const InputRecord& record);
  Status take_carried(const InputRecord& record);
  bool read_sent();
  void queue(const InputRecord& record);
  void admit();
  Status take_label(const InputRecord& record, std::string_view json);
  Status take_sent_label(const InputRecord& record);
  Status apply_by_id(const InputRecord& record, const Label& label, std::string_view reply);
  void apply_label(const InputRecord& record, const Label& label, bool known,
                   std::string_view reply);
  void decide();
  void publish(Pending& pending, const Decision& decision);
  void hand_on(Pending& pending);
  void reject(const InputRecord& record, const Rejection& no, std::string_view reply = {});
  void other(int64_t offset, std::string_view what, std::string_view payment_id,
             std::string_view reply, std::optional<uint64_t> earlier = {});
  void note_hash(int64_t next);

  const Schema& schema_;
  DecideOptions options_;
  FindPayment find_payment_;
  StageFigures& figures_;
  OperatorLog& log_;
  PaymentParser parser_;
  std::vector<Pending> pending_;
  size_t pending_count_ = 0;  // read, not decided
  std::vector<Decision> decisions_;
  std::vector<CoreItem> items_;
  StageRecord record_;
  LabelRecord sent_label_;
  std::string bytes_;

  PartitionState* state_ = nullptr;  // of the call under way
  Outcomes* out_ = nullptr;
};

}  // namespace paywarden
