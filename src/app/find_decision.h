// A payment's decision, as the log holds it, for GET /v1/decisions/{payment_id}.
//
//   reply(find_decision(log, schema.fields, "p-17"));
//
// 200 the decision; 404 there is no such payment, or it was backfilled and has none; 503 where the log cannot be read at
// a place that may hold it: then nobody knows. Reads files: for workers.
#pragma once

#include <string>

#include "http/message.h"
#include "log/log.h"
#include "payment/fields.h"

namespace paywarden {

http::Response find_decision(const Log& log, const FieldTable& fields,
                             const std::string& payment_id);

}  // namespace paywarden
