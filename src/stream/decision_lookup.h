// Finds the decision that a payment got earlier, in the decisions topic: what a repeated payment is answered with.
//
//   TRY_ASSIGN(auto lookup, DecisionLookup::create(options, log));
//   TRY_ASSIGN(auto json, lookup->find({"p1", card, partition, offset}, milliseconds(500)));   // nothing: not there (yet)
//
// The input names the place of the first payment of that id; from its time of receipt, which its decision's record bears, and its
// card, which the record is keyed by, follows where to look. Reaches back as far as both topics do. One thread; waits for brokers.
#pragma once

#include <optional>
#include <string>

#include "kafka/reader.h"
#include "payment/payment.h"

namespace paywarden {

struct DecisionLookupOptions {
  KafkaClientOptions client;
  std::string name;  // of the reader, as a group's
  std::string input, decisions;
};

struct EarlierPayment {
  std::string payment_id;
  CardToken card;
  int32_t partition = 0;  // of the input
  int64_t offset = 0;
};

class DecisionLookup {
 public:
  static Result<std::unique_ptr<DecisionLookup>> create(DecisionLookupOptions options,
                                                        const FieldTable& fields, OperatorLog& log);
  Result<std::optional<std::string>> find(const EarlierPayment& payment, Duration timeout);

 private:
  DecisionLookup(DecisionLookupOptions options, const FieldTable& fields)
      : options_(std::move(options)), fields_(fields) {}
  Result<std::optional<EventTime>> received(const EarlierPayment& payment, Duration timeout);

  const DecisionLookupOptions options_;
  const FieldTable& fields_;
  std::unique_ptr<KafkaReader> reader_;
  int32_t partitions_ = 0;  // of the decisions
};

}  // namespace paywarden
