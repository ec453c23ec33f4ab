// Records as senders make them, and the outcomes that are the same in every stage.
#pragma once

#include <optional>
#include <string_view>

#include "intake/rejects.h"
#include "stream/outcomes.h"
#include "stream/stage.h"

namespace paywarden {

// The object behind {"label": ... }, or nothing. Decided by the first member, so that payments are not read twice.
std::optional<std::string_view> label_in(std::string_view json);

// A label that cannot be read, as a reject.
Rejection rejection_of(const Error& error, std::string_view value);

void add_reject(Outcomes& out, int32_t partition, const InputRecord& record, const Rejection& no);
// {"what": ..., "payment_id": ...}
void add_other(Outcomes& out, int32_t partition, int64_t offset, std::string_view what,
               std::string_view payment_id);

}  // namespace paywarden
