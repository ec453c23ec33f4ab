// A payment and its decision, as the log holds them, by the payment's id.
//
//   reply(find_decision(log, schema.fields, "p-17"));             // GET /v1/decisions/{payment_id}
//   TRY_ASSIGN(auto found, find_payment(log, schema.fields, "p-17"));
//
// 200 the decision; 404 there is no such payment, or it was backfilled and has none; 503 where the log cannot be read at
// a place that may hold it: then nobody knows. Reads files: for workers.
#pragma once

#include <optional>
#include <string>

#include "http/message.h"
#include "log/log.h"
#include "payment/payment.h"

namespace paywarden {

struct FoundPayment {
  uint64_t sequence = 0;
  Payment payment;
};
// Nothing: it is not there, or not any more. An error: a place that may hold it cannot be read.
Result<std::optional<FoundPayment>> find_payment(const Log& log, const FieldTable& fields,
                                                 const std::string& payment_id);

http::Response find_decision(const Log& log, const FieldTable& fields,
                             const std::string& payment_id);

}  // namespace paywarden
