// The decided payments of a log whose records are payments and decisions; a position is a record's sequence.
//
//   LogSource source(*journal);
//
// A decision stands right behind its payment, and both in one group: of a payment that is read, its decision is there or will never be
// (backfilled history has none).
#pragma once

#include "archive/archive_source.h"
#include "log/log.h"

namespace paywarden {

class LogSource : public ArchiveSource {
 public:
  explicit LogSource(const Log& log) : log_(log) {}
  uint64_t first() const override { return log_.first_sequence(); }
  uint64_t end() const override { return log_.durable_end(); }
  bool wait_for(uint64_t position, Duration timeout) const override {
    return log_.wait_for(position, timeout);
  }
  Result<uint64_t> read(uint64_t from, uint64_t to, const DecidedVisitor& visit) const override;

 private:
  const Log& log_;
};

}  // namespace paywarden
