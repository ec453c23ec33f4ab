// One decision with its payment as one line of JSON: what stands in the archive, and what a payment is read from again.
//
//   ArchiveLine line;
//   TRY(line.append(decided, out));
//
//   {"offset":18,"payment_id":"p-9","outcome":"approve",...,"card":"411111******1111",
//    "payment":{"event_time":"2026-11-01T10:00:00.000Z","receipt_time":"...","card_token":"6fd0...","card":"411111******1111",
//               "amount":"12.50","currency":"EUR","payment_id":"p-9","merchant":"Corner Shop",...,"device":"a1"}}
//
// First the position in the log, then every member of the decision as it was answered, then the payment: what every payment has, and the
// fields that this one has, by their names in the schema. Amounts are decimal texts in the payment's currency (never a floating-point
// number), times RFC 3339 in UTC, all else JSON's own types. The same record gives the same bytes, whatever the schema is by now.
// intake/schema.h's archived() reads such lines back.
#pragma once

#include <string>

#include "archive/archive_source.h"
#include "payment/records.h"

namespace paywarden {

class ArchiveLine {
 public:
  // With its line end. Error: the payment's record is not readable.
  Status append(const DecidedPayment& decided, std::string& out);

 private:
  RecordedPayment payment_;  // used again and again
};

tl::unexpected<Error> unreadable(const std::string& what, uint64_t position);
// The payment of a record that should be one.
Status read_recorded(const DecidedPayment& decided, RecordedPayment& out);

}  // namespace paywarden
