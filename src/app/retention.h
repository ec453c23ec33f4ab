// How far the window state has left the log behind: the first record that it may still need.
//
//   Retention retention(schema.fields);
//   retention.advance(journal, keep, watermark - state_reach);   // reads only what is new since
//   journal.drop_before(retention.old_until());
//
// Event times are in no order in the log, so every payment is looked at, once: one that is dated 1970 lets nothing go
// that stands behind it. Not for several threads.
#pragma once

#include "log/log.h"
#include "payment/payment.h"

namespace paywarden {

class Retention {
 public:
  explicit Retention(const FieldTable& fields) : fields_(fields) {}

  // Moves on to the first payment of `reach` or later, at most to `keep`. What cannot be read ends it as well: it is kept.
  void advance(const Log& log, uint64_t keep, EventTime reach);
  // No payment before this record is needed.
  uint64_t old_until() const { return old_until_; }

 private:
  const FieldTable& fields_;
  Payment payment_;
  uint64_t old_until_ = 0;
};

}  // namespace paywarden
