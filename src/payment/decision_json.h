// A decision's JSON, read back: for whoever has it from another's log and keeps it in one of their own.
//
//   DecisionJson reader;
//   DecisionHead head;
//   std::string_view id;
//   if (!reader.read(json, head, id)) ...        // no decision
//
// One thread; `id` holds until the next call.
#pragma once

#include <memory>
#include <string_view>

#include "payment/records.h"

namespace paywarden {

// Of a decision as it stands in the log: in mode observe what it would have been.
Outcome outcome_meant(const DecisionHead& head, std::string_view json);

class DecisionJson {
 public:
  DecisionJson();
  ~DecisionJson();
  // Sets all of the head but the payment's sequence.
  bool read(std::string_view json, DecisionHead& head, std::string_view& payment_id);
  // Into what it was written from, but for reasons, event time, card, approximate features and the shadow.
  bool read(std::string_view json, Decision& out);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace paywarden
