#include "app/retention.h"

#include <algorithm>

#include "payment/records.h"

namespace paywarden {

void Retention::advance(const Log& log, uint64_t keep, EventTime reach) {
  old_until_ = std::max(old_until_, log.first_sequence());
  if (old_until_ >= keep) return;
  (void)log.read(old_until_, [&](const RecordView& record) {  // an error: all from there on stays
    bool old = record.kind != RecordKind::payment ||
               (decode_payment(record.bytes, fields_, payment_) && payment_.event_time < reach);
    if (old) old_until_ = record.sequence + 1;
    return old && old_until_ < keep;
  });
}

}  // namespace paywarden
